"""The pack launcher: the jobs of a round, trained many at once, published one by one.

- `checkpoints`: the checkpoints of a sweep's packs: in which file each is, and when it goes
- `engines/`: where the functions of packs run: this machine's cores, this process, a cluster
- `launcher`: ``hydra/launcher=pack``: the jobs of a sweep, trained many at once
- `publishing`: the Hydra job of a run that is trained already: in the sweep's process or in a
  worker
- `queue`: packs of runs: dealt out evenly, trained on all cores, each published as it ends
- `rounds`: the rounds of a sweep: composed, trained in packs, published job by job
- `worker`: what a worker process does: it trains packs
"""
