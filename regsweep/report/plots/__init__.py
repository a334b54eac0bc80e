"""The plots of ``report.html``: tables in, plotly figures out.

- `ablation`: what each ingredient of a winner is worth: the winner without it, against the winner
- `all`: all plots of one sweep, in the order in which they answer
- `arms`: what an arm is called and looks like, the same in every plot and table
- `curves`: learning curves of the winners: how training and validation part over the epochs
- `differences`: how much better each arm is than its baseline: a dot a seed, the mean, and what
  decided
- `figure`: what the figures share: their frame, their axes, safe text, and how many points they
  draw
- `search`: how the search went: the best objective so far, by trial
- `seeds`: test results of the winners: a dot a seed, the mean and its interval
- `sparse`: what sparsity costs: the score against the share of weights that are left
- `trials`: the runs of a search, or of a grid, as trials; and the runs that test the winners
- `weight`: the objective against the penalty weight: where each arm's best weight lies, and how
  sharply
"""
