"""From records to tables.

- `ablation`: what each ingredient of a winner is worth: the winner without it, against the winner
- `arm`: what the runs of one arm come to: its winner, and how the winner tests
- `choice`: what to take: the simplest of the arms that are shown to be about as good as the best
- `columns`: what the columns of both tables mean, as ``columns.csv`` says it
- `comparison`: the table with a row an arm, as ``comparison.csv`` holds it
- `copies`: records that lie in several folders: each is evidence once
- `gather`: the records under one or several directories, and what could not be read there
- `history`: the learning curve of a run, from its ``history.csv``
- `interval`: the interval that a key was searched in, as its sweep spells it
- `judge`: whether the differences between arms are real: every arm against its baseline, in pairs
- `looks`: the points of a confirm stage at which arms are judged, planned before its first run
- `override`: values as Hydra's override grammar spells them, so that a printed override can be
  pasted
- `plateau`: how strong: the weights that are as good as an arm's best, by all of its trials
- `raised`: the line of a traceback that says what happened
- `report`: all that a report says, gathered: what its tables, its page and the terminal are made
  from
- `request`: what a sweep was asked for, as its ``sweep.json`` says
- `rows`: what the choice of the test rows does: each arm against its baseline, over rows, in pairs
- `runs`: the table with a row a run, as ``runs.csv`` holds it
- `scan`: the run folders under a directory, found by the names in it alone
- `scores`: which scores a table of runs or of arms holds: the names of its columns say it
- `second_look`: a second look at the records of a sweep: all arms against another one than was
  planned
- `shrunk`: what networks shrink to whose hidden units lost all their incoming weights
- `sparsest`: whether an arm's sparsest trial is worse than its winner by more than the margin
- `statistics`: are arms different? Statistics of a (seeds x arms) table, as pure functions
- `varied_settings`: what was varied between the runs of an arm, also where their sweeper did not
  say so
- `winner`: which setting of an arm won, what is confirmed beside it, and which runs test them
- `write`: the tables as CSV files that read back the same and that a spreadsheet does not execute
"""
