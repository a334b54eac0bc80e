"""What a user meets: the command line, its checks, its reports.

- `app`: the command line: Hydra in, one message and an exit code out
- `arguments`: what the command line asks for: its options in full, and whether it sweeps or only
  shows
- `callback`: what regsweep does around Hydra's own work: checks before it, tables after it
- `nodes`: what Hydra is told of: launcher, sweeper, and the nodes that ``conf/hydra/sweeper``
  builds on
"""
