"""The compare sweeper: equal budgets for every arm, evidence on fresh seeds, resume.

- `index`: the trials of a sweep in an Optuna storage: to be looked at, and written anew where they
  differ
- `ledger`: what the records of a sweep's folder say has been done
- `live`: what the user sees while a sweep runs: the plan, then how far it is
- `pace`: how far a sweep is, and how long the rest of it takes
- `plan`: what a sweep does: its arms, its budget, its rounds, and the folder of every run
- `recover`: a sweep file that was lost, made again from what the command says and the records hold
- `resume`: whether the sweep of a folder may go on under the settings that are given now
- `space`: the search space of an arm, as Optuna's distributions: its size, its points, its values
- `stages`: the two stages of a sweep: search in rounds, then confirm each arm's winner
- `storage`: where the Optuna studies are kept: opened, and asked again while what fails may pass
- `studies`: an Optuna study an arm, with suggestions that repeat themselves
- `sweep`: a compare sweep from its config to its report
- `sweeper`: ``hydra/sweeper=compare``: every arm gets the same search, and its winner is tested
- `trials`: how many trials ``hydra.sweeper.n_trials`` asks of each arm
"""
