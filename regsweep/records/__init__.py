"""What is published and read back: records, sweep files, folders, with neither torch nor Hydra.

- `arm`: what an arm is called, and what is confirmed beside its winner
- `atomic`: files that are there whole or not at all
- `baselines`: what each arm is tested against where nobody names a baseline
- `claim`: the claim of a process on a folder: it holds on this machine, and between hosts that
  share it
- `folder`: the folder of a run or a sweep: named, held by one process, and free of links and pipes
- `objective`: what a search minimises, what its winners are judged on, which trial wins, and which
  is the sparsest
- `record`: the record of a run: the JSON file that is the only truth about it
- `row_losses`: the loss of each test row of a run, in ``test_losses.npy``
- `settled`: what is settled once for all runs of a sweep
- `stored`: files that lie in the folders of runs and sweeps, read with no trust in what they are
- `sweep_file`: ``sweep.json``: what a sweep was asked for and what was settled, written before its
  first job
- `task`: what a network is for: it settles the loss, the score, and what both are called
- `typed`: whether content that was read from JSON has the types that a dataclass declares
"""
