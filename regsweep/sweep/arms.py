"""The arms of a sweep: every combination of the choices that it compares, composed and checked."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice, product
from math import prod
from pathlib import Path
from typing import Any

from hydra.core.config_loader import ConfigLoader
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import IntervalSweep, Override, QuotedString, Transformer
from omegaconf import DictConfig, OmegaConf

from regsweep.errors import InputError, bad_value, nearest
from regsweep.records.arm import arm_name
from regsweep.settings.config import GROUP_CHANNELS, read_run
from regsweep.settings.flat import flatten, with_value
from regsweep.settings.plain_config import plain_config
from regsweep.settings.run import Run
from regsweep.sweep.search_space import may_be_null, search_space

# Of a longer range, and of more combinations, only the first are tried.
MOST_VALUES = 1_000
_PREFIXES = "+~"
# How the one value null is written as a sweep over it.
NULL = "[null]"
# Keys whose every value makes a step of its own to compile.
_SHAPING = ("data.", "model.", "trainer.", "loss_weight")


@dataclass(frozen=True)
class Arm:
    """One combination of choices, with all that its jobs have in common.

    ``choices`` maps the compared config groups to its choices, ``overrides`` is what each of its
    jobs is given, and ``space`` maps its searched keys to their sweeps as overrides spell them.
    ``config`` is its config under dotted keys and ``runs`` are those that it may try, of an
    interval those at its ends; ``unlisted`` is how many kinds of runs lie between, each with a step
    of its own to compile. ``without`` are the overrides of a key that it does not have.
    """

    choices: Mapping[str, str]
    overrides: tuple[str, ...]
    space: Mapping[str, str]
    config: Mapping[str, Any]
    runs: tuple[Run, ...]
    without: tuple[str, ...] = ()
    unlisted: int = 0

    @property
    def name(self) -> str:
        """What it is called."""
        return arm_name(self.choices)


@dataclass(frozen=True)
class SweepOverrides:
    """The overrides of a sweep by what they do: swept groups, swept keys, and all the others."""

    groups: tuple[Override, ...]
    swept: tuple[Override, ...]
    fixed: tuple[Override, ...]

    @property
    def lines(self) -> tuple[str, ...]:
        """All of them, as they are written."""
        return tuple(str(o.input_line) for o in (*self.groups, *self.swept, *self.fixed))

    @property
    def all_swept(self) -> tuple[Override, ...]:
        """What the sweep varies."""
        return self.groups + self.swept


def read_overrides(config: DictConfig, loader: ConfigLoader) -> SweepOverrides:
    """The sweeper's own ``params`` and the command line, which goes before them."""
    params = config.hydra.sweeper.get("params") or {}
    # Not resolved: an interpolation in an override is that of each job.
    task: Any = OmegaConf.to_container(config.hydra.overrides.task, resolve=False)
    lines = [f"{key}={value}" for key, value in params.items()] + task
    parser = OverridesParser.create(config_loader=loader)
    parsed = [_single(override, parser) for override in parser.parse_overrides(lines)]
    overrides = list({key_of(override): override for override in parsed}.values())
    choices = config.hydra.runtime.choices
    swept = [o for o in overrides if o.is_sweep_override()]
    return SweepOverrides(
        groups=tuple(o for o in swept if o.key_or_group in choices),
        swept=tuple(o for o in swept if o.key_or_group not in choices),
        fixed=tuple(o for o in overrides if not o.is_sweep_override()),
    )


def _single(override: Override, parser: OverridesParser) -> Override:
    """A sweep over one value as that value: ``key=choice(1)`` is ``key=1``."""
    match = re.fullmatch(r"choice\((.*)\)", value_text(override))
    if match is None or len(list(islice(override.sweep_iterator(), 2))) != 1:
        return override
    value = "null" if match[1] == NULL else match[1]
    return parser.parse_override(f"{override.get_key_element()}={value}")


def compose_arms(
    config: DictConfig,
    loader: ConfigLoader,
    given: SweepOverrides,
    *,
    searching: bool,
    lenient: bool,
) -> Iterator[Arm]:
    """Compose every arm and check the values that it will try, in combination.

    In a search the ``search`` nodes of its config are searched too, but for the keys that the
    command line sweeps or fixes. Where ``lenient``, an override of a key holds for the arms that
    have the key.

    Raises:
        InputError: a value is wrong, or no arm has an overridden key.
        HydraException: an arm does not compose.
    """
    combinations = list(product(*(_choices(group, loader) for group in given.groups)))
    lacking = [
        _lacking(config, loader, choice, given) if lenient else frozenset()
        for choice in combinations
    ]
    nobodys = frozenset.intersection(*lacking)
    if nobodys and len(combinations) > 1:
        _refuse_nobodys(config, loader, combinations, given, nobodys)
    for combination, missing in zip(combinations, lacking, strict=True):
        # What the one arm lacks is left in, for the error that Hydra makes of it.
        without = missing - nobodys
        fixed = [o for o in given.fixed if o.input_line not in without]
        swept = [o for o in given.swept if o.input_line not in without]
        overrides = (*combination, *(str(o.input_line) for o in fixed))
        starts = [f"{o.get_key_element()}={_first(o)}" for o in swept]
        plain = plain_config(loader.load_sweep_config(config, [*overrides, *starts]))
        settled = {key_of(o) for o in (*fixed, *swept)}
        nodes = _searched_nodes(plain, settled) if searching else []
        yield Arm(
            choices=dict(line.split("=", 1) for line in combination)
            or {"regularizer": plain["regularizer"]["name"]},
            overrides=overrides,
            space={key_of(o): value_text(o) for o in (*swept, *nodes)},
            config=flatten(plain),
            runs=_tried(plain, [*nodes, *swept]),
            without=tuple(sorted(without)),
            unlisted=_unlisted([*nodes, *swept]),
        )


def _lacking(
    config: DictConfig, loader: ConfigLoader, choice: Sequence[str], given: SweepOverrides
) -> frozenset[str]:
    """The overrides of a plain key that the arm of ``choice`` does not have."""
    groups = config.hydra.runtime.choices
    keys = [
        o
        for o in (*given.fixed, *given.swept)
        if o.key_or_group not in groups and o.get_key_element()[0] not in _PREFIXES
    ]
    if not keys:
        return frozenset()
    others = [str(o.input_line) for o in given.fixed if o not in keys]
    composed = loader.load_sweep_config(config, [*choice, *others])
    return frozenset(str(o.input_line) for o in keys if not _has(composed, key_of(o)))


def _refuse_nobodys(
    config: DictConfig,
    loader: ConfigLoader,
    combinations: Sequence[Sequence[str]],
    given: SweepOverrides,
    nobodys: frozenset[str],
) -> None:
    """Refuse the first of ``nobodys`` whose node some arm has, with the keys there of all arms."""
    for override in (*given.fixed, *given.swept):
        node, _, name = key_of(override).rpartition(".")
        if not node or override.input_line not in nobodys:
            continue
        known = set[str]()
        for choice in combinations:
            found = OmegaConf.select(loader.load_sweep_config(config, list(choice)), node)
            known |= {str(key) for key in found or () if key not in GROUP_CHANNELS}
        if known:
            line = override.input_line
            raise InputError(f"{line}: no arm has this key; {nearest(name, known)}")


def _has(config: DictConfig, key: str) -> bool:
    parent, _, name = key.rpartition(".")
    node = OmegaConf.select(config, parent) if parent else config
    # Of a key that has no value yet, OmegaConf says that it is not in its node.
    return not isinstance(node, DictConfig) or name in {*node}


def _searched_nodes(config: Mapping[str, Any], settled: set[str]) -> list[Override]:
    """The arm's ``search`` nodes as overrides, but for keys that are ``settled`` already."""
    parser = OverridesParser.create()
    nodes = []
    for key, sweep in search_space(config).items():
        if key in settled:
            continue
        override = parser.parse_override(f"{key}={sweep}")
        if not override.is_sweep_override():
            group, _, name = key.rpartition(".")
            expected = "a range or choice, such as interval(0, 1)"
            raise bad_value(f"{group}.search.{name}", sweep, expected)
        nodes.append(override)
    return nodes


def _tried(config: dict[str, Any], overrides: Sequence[Override]) -> tuple[Run, ...]:
    """The runs that ``overrides`` may make of ``config``, checked."""
    try:
        return tuple(_runs(config, _points(overrides)))
    except InputError:
        for override in overrides:
            _refuse_fractions(config, override)
        raise


def _refuse_fractions(config: dict[str, Any], override: Override) -> None:
    """Refuse an interval of fractions where the key takes whole numbers alone."""
    key, interval = key_of(override), override.value()
    if not isinstance(interval, IntervalSweep) or not isinstance(interval.start, float):
        return
    ends = [end for end in (interval.start, interval.end) if end is not None and end % 1 == 0]
    if any(_is_run(config, key, int(end)) and not _is_run(config, key, end) for end in ends):
        text = value_text(override)
        raise bad_value(key, text, f"whole numbers: {key}=int({text})")


def _is_run(config: dict[str, Any], key: str, value: Any) -> bool:
    """Whether ``key`` may be ``value``, all else being as in ``config``."""
    try:
        read_run(with_value(config, key, value))
    except InputError:
        return False
    return True


def _points(overrides: Sequence[Override]) -> Iterator[Mapping[str, Any]]:
    """Every combination of values, by their keys; those that may be null are varied one by one."""
    values = {key_of(o): _values(o) for o in overrides}
    by_itself = [key_of(o) for o in overrides if may_be_null(o)]
    together = [of_key[:1] if key in by_itself else of_key for key, of_key in values.items()]
    for point in islice(product(*together), MOST_VALUES):
        yield dict(zip(values, point, strict=True))
    first = {key: next(iter(of_key), None) for key, of_key in values.items()}
    for key in by_itself:
        yield from (first | {key: value} for value in values[key][1:])


def _runs(config: dict[str, Any], points: Iterator[Mapping[str, Any]]) -> Iterator[Run]:
    """The run at each of ``points``, checked."""
    for values in points:
        changed = config
        for key, value in values.items():
            changed = with_value(changed, key, value)
        yield read_run(changed).at(Path.cwd())


def _unlisted(tried: Sequence[Override]) -> int:
    """The combinations of what shapes a step, but for those of the first and last values."""
    shaping = [o for o in tried if key_of(o).startswith(_SHAPING)]
    listed = prod(len(_values(override)) for override in shaping)
    return prod(_count(override) for override in shaping) - listed


def _count(override: Override) -> int:
    """How many values ``override`` may try; of an interval of real numbers those at its ends."""
    value = override.value()
    if isinstance(value, IntervalSweep) and isinstance(value.start, int):
        return int(value.end or 0) - value.start + 1 + may_be_null(override)
    return len(_values(override))


def key_of(override: Override) -> str:
    """The key or group, without the signs of adding and deleting."""
    return override.get_key_element().lstrip(_PREFIXES)


def value_text(override: Override) -> str:
    """What stands behind the ``=``."""
    return str(override.input_line).partition("=")[2]


def _choices(group: Override, loader: ConfigLoader) -> list[str]:
    choices = [f"{group.get_key_element()}={choice}" for choice in group.sweep_string_iterator()]
    if not choices:
        known = loader.get_group_options(group.key_or_group)
        raise InputError(f"{group.input_line}: matches no choice; {nearest('', known)}")
    return choices


def _first(override: Override) -> str:
    value = override.value()
    if isinstance(value, IntervalSweep):
        return str(value.start)
    return next(iter(override.sweep_string_iterator()))


def _values(override: Override) -> list[Any]:
    """What ``override`` may try: the ends of an interval, the (first) values of a list or range.

    And null, where it may be that.
    """
    value, null = override.value(), [None] if may_be_null(override) else []
    if isinstance(value, IntervalSweep):
        _check_interval(override, value)
        return [value.start, value.end, *null]
    return [*islice(_items(override), MOST_VALUES), *null]


def _items(override: Override) -> Iterator[Any]:
    for item in override.sweep_iterator(transformer=Transformer.identity):
        yield item.text if isinstance(item, QuotedString) else item


def _check_interval(override: Override, interval: IntervalSweep) -> None:
    low, high = interval.start, interval.end
    if low is None or high is None or low > high:
        raise InputError(f"{override.input_line}: expected an interval from low to high")
    if "log" in interval.tags and low <= 0:
        raise InputError(f"{override.input_line}: expected an interval above 0 on a log scale")
