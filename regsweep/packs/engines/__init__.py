"""Where the functions of packs run: this machine's cores, this process, or a cluster.

- `call`: a call on its way to another process, and the answer on its way back
- `child`: a process of a cluster's worker: it runs one call after the other, and can be ended
- `choice`: which engine runs the packs of a sweep
- `dask`: a Dask cluster as an engine: each thread of its workers runs packs in a process of its own
- `delivery`: what runs need on a worker of a cluster: packages as here, and files, each brought
  there once
- `engine`: what an engine is: where the functions of packs run
- `gpus`: a GPU for each worker process of this machine
- `in_process`: this process as an engine: one call after the other, for debuggers and notebooks
- `local`: the worker processes of a sweep: started once, used round after round, one thread each
- `peers`: whether the workers of a cluster are as the process that leads the sweep
- `ray`: a Ray cluster as an engine: its workers run packs, each in a process of its own
- `slurm`: Slurm as an engine: tasks of job arrays do the calls, and leave answers in a shared
  folder
- `slurm_task`: what a task of Slurm's runs: calls, one after the other, each answered in the shared
  folder
"""
