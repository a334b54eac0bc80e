"""A compare sweep from its config to its report."""

import logging
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path

import optuna
from hydra.core.hydra_config import HydraConfig
from hydra.core.utils import JobReturn
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext
from omegaconf import DictConfig, OmegaConf

from regsweep import called
from regsweep.compare.index import Index
from regsweep.compare.ledger import Ledger, set_aside
from regsweep.compare.live import View, new_console, show_plan
from regsweep.compare.plan import Place, Plan, Slot, read_plan
from regsweep.compare.recover import LOST_PLAN, recovered, refuse_unplanned
from regsweep.compare.resume import changed_versions, exploratory, refuse_changed
from regsweep.compare.space import Space, count_trials, drawn_at_random, search_space_of
from regsweep.compare.stages import (
    TooManyFailed,
    confirm,
    missing_of_finalists,
    next_look,
    search,
    seeds_to_go_on,
)
from regsweep.compare.storage import open_storage
from regsweep.compare.studies import Studies
from regsweep.compare.trials import trials_asked
from regsweep.errors import InputError, MachineFault, machine_fault, raise_interrupt
from regsweep.jobs.environment import package_versions
from regsweep.packs.engines.choice import reached, runner_of
from regsweep.records import sweep_file
from regsweep.records.claim import ClaimLost
from regsweep.records.folder import hold
from regsweep.records.settled import Settled
from regsweep.records.stored import Unreadable
from regsweep.report.aggregate import gather_and_show
from regsweep.sweep.internals import BasicLauncher
from regsweep.sweep.machine import check_draws, check_machine, tell
from regsweep.sweep.packing import Packing, count_workers, trains_here
from regsweep.sweep.preflight import check_sweep
from regsweep.sweep.settle import fault_of_settled, processors_of, settle
from regsweep.sweep.sweep import Sweep, sweep_file_of

log = logging.getLogger(__name__)

_CONFIRMING = ("confirm_from", "confirm_seeds", "max_confirm_seeds")


def run_sweep(config: DictConfig, context: HydraContext, launcher: Launcher) -> None:
    """Search and confirm every arm, from where the folder's records leave off; then report.

    Raises:
        InputError: a setting is wrong, the folder holds another sweep, or too many trials failed.
    """
    sweep = check_sweep(config, context.config_loader)
    spaces = [search_space_of(arm) for arm in sweep.arms]
    asked_of = trials_asked(config.hydra.sweeper.n_trials, sweep.arms)
    trials = [
        count_trials(arm.name, space, n_trials, config.hydra.sweeper.sampler)
        for arm, space, n_trials in zip(sweep.arms, spaces, asked_of, strict=True)
    ]
    plan = read_plan(config, sweep, trials)
    check_machine(sweep.runs, train_here=trains_here(config.hydra.launcher))
    if plan.resample == "rows":
        check_draws(sweep.runs, plan.confirm_seeds)
    reached(config.hydra.launcher, sweep.runs)
    tell(sweep.runs)
    directory = Path(config.hydra.sweep.dir)
    if not sweep_file.is_there(directory):
        refuse_unplanned(directory, plan)
    with hold("hydra.sweep.dir", directory):
        ledger = Ledger(plan, spaces, directory)
        before = _begun(config, sweep, plan, ledger)
        settled, why = _settle(config, sweep, plan, before, directory)
        ledger.refuse_more(before)
        if before and not _is_over(plan, ledger):
            _refuse_other_steps(settled, sweep, plan, config, directory)
        asked = _sweep_file(config, sweep, plan, settled)
        if before:
            asked = replace(
                asked, exploratory=exploratory(before, asked, ledger.has_looked(before))
            )
        # The versions stay those that the sweep began with.
        kept = replace(asked, versions=before.versions) if before else asked
        sweep_file.write(kept, directory)
        console = new_console()
        epochs = sorted({run.trainer.epochs for run in sweep.runs})
        at_random = [drawn_at_random(space, config.hydra.sweeper.sampler) for space in spaces]
        runs_of = f"of {' or '.join(map(str, epochs))} epochs"
        show_plan(plan, at_random, runs_of, why, asked.steps, directory, console)
        with _telling_how_to_go_on(directory):
            try:
                at_once = _count_at_once(settled, reached(config.hydra.launcher))
                with View(plan, directory, console, at_once) as view:
                    studies = _open_studies(config, plan, spaces, directory)
                    _Launcher(plan, launcher, ledger, view, studies.index).run(studies)
            except TooManyFailed:
                gather_and_show([directory], command=called.command())
                raise
            gather_and_show([directory], command=called.command())
            if seeds := seeds_to_go_on(plan, ledger):
                print(f"\n{how_to_decide(directory, plan, seeds)}")
        if not any(ledger.best(arm) for arm in range(len(plan.arms))):
            raise InputError(f"{directory}: no trial completed; runs.csv says why")


class _Launcher:
    """Hands the runs of a sweep to Hydra's launcher, and takes their records."""

    def __init__(
        self, plan: Plan, launcher: Launcher, ledger: Ledger, view: View, index: Index
    ) -> None:
        self.plan, self.launcher, self.ledger, self.view = plan, launcher, ledger, view
        self.index = index
        self.jobs = 0

    def run(self, studies: Studies) -> None:
        """Both stages."""
        try:
            search(self.plan, studies, self.ledger, self.launch, self.view)
            confirm(self.plan, self.ledger, self.launch, self.view)
        except TooManyFailed:
            self.index.write()
            raise
        self.index.write()
        self.view.over(self.ledger)

    def launch(self, places: Sequence[Place], params: Mapping[Slot, Sequence[str]]) -> None:
        """Train the runs at ``places``; each has a record then."""
        self.view.launched(places, self._left(places))
        overrides = [self.plan.overrides(place, params[place.slot]) for place in places]
        with self.index.written_meanwhile():
            returns = self._returns(overrides)
        self.jobs += len(overrides)
        for place, job in zip(places, returns, strict=True):
            if self.ledger.record(place) is None:
                _ = job.return_value  # raises what kept the job from publishing
                raise RuntimeError(f"{self.plan.folder(place)}: its job left no record")

    def _returns(self, overrides: Sequence[Sequence[str]]) -> Sequence[JobReturn]:
        try:
            return self.launcher.launch(overrides, initial_job_idx=self.jobs)
        except Exception as error:
            raise_interrupt(error)
            told = isinstance(error, InputError) or machine_fault(error)
            if told or isinstance(self.launcher, BasicLauncher):  # which works in this process
                raise
            name = HydraConfig.get().runtime.choices["hydra/launcher"]
            why = " ".join(str(error).split("\n")[:2])
            raise MachineFault(
                f"hydra/launcher={name}: its jobs gave no result ({type(error).__name__}: {why})"
            ) from error

    def _left(self, places: Sequence[Place]) -> int:
        """The runs that the sweep still has to do; an arm without a winner has none to confirm."""
        if places[0].stage == "confirm":
            return len(places)
        return self.plan.search_runs + self.plan.confirm_runs - len(self.ledger.records)


def _begun(
    config: DictConfig, sweep: Sweep, plan: Plan, ledger: Ledger
) -> sweep_file.SweepFile | None:
    """What the folder's sweep was begun with: its sweep file or, where that is lost, its records.

    Raises:
        InputError: there are records that the sweep would not make, or that disagree.
    """
    directory, damage = ledger.directory, None
    if sweep_file.is_there(directory):
        try:
            return sweep_file.read(directory)
        except sweep_file.OtherSchema:
            raise
        except Unreadable as error:
            damage = error
    refuse_unplanned(directory, plan)  # also what was made meanwhile
    records = ledger.searched()
    before = None
    if records:
        settled, _ = _settle_anew(config, sweep, plan)
        before = recovered(records, _sweep_file(config, sweep, plan, settled), directory)
        log.warning("%s: its sweep.json is lost; the records say what was settled", directory)
        if ledger.has_confirmed():
            before = replace(before, exploratory=LOST_PLAN)
            log.warning("verdicts will be exploratory: %s", LOST_PLAN)
    if damage:
        aside = set_aside(directory / sweep_file.FILE_NAME)
        log.warning("%s; now %s", damage, aside.name)
    return before


def _is_over(plan: Plan, ledger: Ledger) -> bool:
    searched = all(ledger.is_over(slot) for slots in plan.rounds() for slot in slots)
    return searched and not missing_of_finalists(plan, ledger) and not next_look(plan, ledger)


def _settle(
    config: DictConfig,
    sweep: Sweep,
    plan: Plan,
    before: sweep_file.SweepFile | None,
    directory: Path,
) -> tuple[Settled, str]:
    """What holds for all runs: what was settled when the sweep began, else what is settled now."""
    if before is not None:
        refuse_changed(
            before,
            _sweep_file(config, sweep, plan, before.settled),
            directory,
            accept=config.hydra.sweeper.accept_changes,
        )
        settled = before.settled
        for change in changed_versions(before.versions, package_versions()):
            log.warning("%s: new runs may differ in the last digits", change)
        now = processors_of(reached(config.hydra.launcher))
        if settled.processor not in ("", now):  # older sweeps do not name it
            log.warning(
                "the processor was %s when this sweep began, is now %s: new runs may differ in the "
                "last digits",
                settled.processor,
                now,
            )
        devices = settled.device.split(", ")
        check_machine(sweep.runs, devices, train_here=trains_here(config.hydra.launcher))
        return settled, f"{settled.device}, {settled.mode}, as when the sweep began"
    return _settle_anew(config, sweep, plan)


def _settle_anew(config: DictConfig, sweep: Sweep, plan: Plan) -> tuple[Settled, str]:
    jobs, together, packing = _amount(config, plan)
    return settle(sweep.runs, jobs, together, packing, sweep.unlisted, runner_of(packing))


def _amount(config: DictConfig, plan: Plan) -> tuple[int, int, Packing | None]:
    """The jobs of the sweep, those of a round, and how they are packed."""
    jobs = plan.search_runs + plan.confirm_runs
    together = plan.budget.n_jobs * plan.budget.replicates
    return jobs, together, reached(config.hydra.launcher)


def _count_at_once(settled: Settled, packing: Packing | None) -> int:
    """How many runs train at a time; under another launcher one a core."""
    from regsweep.training.device import resolve_device  # loads PyTorch

    here = packing is None or packing.here
    device = resolve_device(settled.device.partition(",")[0], here=here)
    return count_workers(packing or Packing(None, None), device) * settled.pack_width


def _refuse_other_steps(
    settled: Settled, sweep: Sweep, plan: Plan, config: DictConfig, directory: Path
) -> None:
    """Refuse to go on where the runs so far were compiled, and the others could not be."""
    jobs, together, packing = _amount(config, plan)
    run_all = runner_of(packing)
    if fault := fault_of_settled(settled, sweep.runs, jobs, together, packing, run_all):
        raise InputError(
            f"{directory}: its runs are compiled, and here they cannot be: {fault}. "
            "Go on where they can, or take another hydra.sweep.dir"
        )


def _sweep_file(
    config: DictConfig, sweep: Sweep, plan: Plan, settled: Settled
) -> sweep_file.SweepFile:
    sampler = OmegaConf.to_container(config.hydra.sweeper.sampler, resolve=True)
    assert isinstance(sampler, dict)
    return replace(
        sweep_file_of(sweep, config, settled, package_versions()),
        objective=plan.objective,
        seed=plan.seed,
        spaces=tuple(arm.space for arm in plan.arms),
        configs=tuple(arm.config for arm in plan.arms),
        budget={key: value for key, value in asdict(plan.budget).items() if value is not None},
        seeds={"search": tuple(plan.search_seeds), "confirm": tuple(plan.confirm_seeds)},
        baseline=plan.baselines[0] if len(set(plan.baselines)) == 1 else None,
        sampler={str(key): value for key, value in sampler.items()},
        baselines=plan.baselines,
        trials=plan.trials,
        looks=plan.looks,
        margin=plan.margin,
        resample=plan.resample,
        sparsest=plan.sparsest,
        ablated=plan.ablated,
    )


def _open_studies(
    config: DictConfig, plan: Plan, spaces: Sequence[Space], directory: Path
) -> Studies:
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    sweeper = config.hydra.sweeper
    # A storage of the user's may hold other sweeps.
    shared = sweeper.storage is not None
    prefix = sweeper.study_name or (str(directory.resolve()) if shared else "")
    names = [arm.name for arm in plan.arms]
    shown = [f"{prefix}: {name}" if prefix else name for name in names]
    storage = open_storage(sweeper.storage, directory)
    index = Index(storage, shown, directory if shared else None)
    return Studies(names, spaces, sweeper.sampler, plan.seed, index)


@contextmanager
def _telling_how_to_go_on(directory: Path) -> Iterator[None]:
    """Say with whatever ends the sweep of ``directory`` early by which command it goes on."""
    try:
        yield
    except (TooManyFailed, ClaimLost):  # it would end so again, or goes on elsewhere
        raise
    except Exception as error:
        error.add_note(how_to_go_on(directory))
        raise
    except BaseException:
        print(how_to_go_on(directory), file=sys.stderr)
        raise


def how_to_decide(directory: Path, plan: Plan, seeds: int) -> str:
    """The command that confirms the winners once more, in one look, on seeds that none has seen."""
    changed = ("hydra.sweep.dir", *(f"hydra.sweeper.{key}" for key in _CONFIRMING))
    kept = [word for word in called.given() if word.partition("=")[0] not in changed]
    first = plan.confirm_seeds[-1] + 1
    again = called.command(
        *kept,
        f"hydra.sweep.dir={directory}",
        f"hydra.sweeper.confirm_from={first}",
        f"hydra.sweeper.confirm_seeds={seeds}",
        f"hydra.sweeper.max_confirm_seeds={seeds}",
    )
    return f"to decide about the margin, on seeds that no look has seen:\n  {again}"


def how_to_go_on(directory: Path) -> str:
    """The command line that was given, with the sweep's folder."""
    kept = [word for word in called.given() if not word.startswith("hydra.sweep.dir=")]
    again = called.command(*kept, f"hydra.sweep.dir={directory}")
    return f"what is published is kept; to go on:\n  {again}"
