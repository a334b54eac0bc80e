"""One Hydra job: composed, trained, published.

- `collector`: Python's garbage collector, spared the objects that stay
- `compose`: the configs of a sweep's jobs, composed once for each set of choices
- `config_copy`: copies of a job's config, in an eighth of OmegaConf's time
- `environment`: what a run ran on: the part of a record that explains a difference between machines
- `git`: the commit of a working directory, read from the repository's files: git need not be there
- `job`: one Hydra job: a config in, a trained run and its record out
- `messages`: Hydra's errors as one message that names the key, its value and what would be right
- `progress`: what a job says while it trains and when it ends
- `study`: the study of a command, for the workers of every launcher
- `task`: the task function that Hydra calls for every job
"""
