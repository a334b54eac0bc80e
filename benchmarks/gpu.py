"""Packs of 1 to 1,024 runs on a GPU against an eager loop, one run at a time, on the same GPU.

The loop is that of ``user_app/training.py``: data on the device, fused Adam, L2 as its decay.
Packs are measured as in ``benchmarks.width``, and take turns with the loop. Both are times of the
steps alone; the memory is the most that PyTorch had allocated on the GPU.
"""

import sys
import time
from dataclasses import asdict

import torch

from benchmarks.measure import Row, publish, quick_folder, ratios, row
from benchmarks.width import PRODUCT, Measured, Pack, Settings, best_product, measure

FULL = Settings(
    widths=(1, 4, 16, 64, 256, 512, 1024),
    batch_sizes=(10, 128),
    run_steps=25_600,
    least_steps=100,
    mode="compiled",
    medium=False,
    repeats=5,
)
QUICK = Settings(
    widths=(2,),
    batch_sizes=(10,),
    run_steps=20,
    least_steps=5,
    mode="eager",
    medium=False,
    repeats=1,
)
LOOP = "eager loop"
LOOP_IMAGES = 10_000
# Times as cheap as the loop, from this width on.
AIM, AIM_WIDTH = 100.0, 256


def loop_step_seconds(pack: Pack) -> float:
    """Seconds a step of the loop, at the pack's batch size."""
    from benchmarks.user_app.training import adam, build, train_epoch, training_data

    images, labels = (part[:LOOP_IMAGES].to(pack.device) for part in training_data())
    network = build(seed=0).to(pack.device)
    optimizer = adam(network, lr=1e-3, weight=1e-4)

    def epoch_seconds() -> float:
        torch.cuda.synchronize()
        started = time.perf_counter()
        train_epoch(network, optimizer, images, labels, pack.batch_size)
        torch.cuda.synchronize()
        return time.perf_counter() - started

    epoch_seconds()  # the first one loads the kernels
    return epoch_seconds() / (LOOP_IMAGES // pack.batch_size)


def compare(measured: Measured) -> list[Row]:
    """The rows of the packs, of the loop, and of each pack against the loop."""
    loop = measured.beside[LOOP]
    batch = f"batch {measured.best().batch_size}"
    micros = [1e6 * one for one in loop]
    rows = [*measured.rows(aim=None), row(f"{batch}: a step, {LOOP}", "µs", micros)]
    for pack, taken in measured.seconds.items():
        aim = AIM if pack.width >= AIM_WIDTH else None
        rows.append(row(f"{batch}: {LOOP} over width {pack.width}", "x", ratios(loop, taken), aim))
    return rows


def main() -> None:
    """Measure both batch sizes, where there is a GPU."""
    folder = quick_folder(__doc__)
    if not torch.cuda.is_available():
        sys.exit("benchmarks.gpu needs a CUDA GPU, and PyTorch finds none on this machine")
    settings = QUICK if folder else FULL
    rows = []
    for batch_size in settings.batch_sizes:
        packs = settings.packs(batch_size, "cuda")
        beside = {PRODUCT: best_product, LOOP: loop_step_seconds}
        rows += compare(measure(packs, beside, settings.repeats))
    publish("gpu", asdict(settings), rows, folder, device=torch.cuda.get_device_name())


if __name__ == "__main__":
    main()
