"""The claims of regsweep on speed and verdicts, each measured by one command.

===============================  =================================================================
module                           what it holds
===============================  =================================================================
``benchmarks.cost``              the cost of a run against the article, a user's app, scikit-learn
``benchmarks.width``             packs of 1 to 64 runs: time, memory, share of the matrix peak
``benchmarks.size``              sweeps of 10 to 1,000 runs
``benchmarks.parity``            the test accuracy of packs against that of the article's loop
``benchmarks.looks``             verdicts in looks, by simulation: errors, power, spending
``benchmarks.null``              how often a difference is claimed where there is none
``benchmarks.effect``            how often a difference that is there is found
``benchmarks.gpu``               packs of up to 1,024 runs against an eager loop, on a GPU
``benchmarks.tables``            the tables of README.md, from results/*.json
``benchmarks.measure``           what all of them share
``benchmarks.runs``              runs as the command line composes them
``benchmarks.article_loop``      the article's loop
``benchmarks.user_app``          what a user would write with Hydra, Optuna and joblib
``benchmarks.scikit_loop``       scikit-learn's ``MLPClassifier``
===============================  =================================================================
"""
