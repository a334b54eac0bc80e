"""The plots of ``report.html``: tables in, plotly figures out.

===============================  ==============================================
module                           what it holds
===============================  ==============================================
``regsweep.report.plots.arms``   an arm's short name, colour and symbol
``regsweep.report.plots.figure`` what all figures share: axes, text, sampling
``regsweep.report.plots.trials`` the runs of a search as trials
``regsweep.report.plots.seeds``  test results, a dot a seed
``regsweep.report.plots.weight`` the objective against the penalty weight
``regsweep.report.plots.search`` the best objective so far, by trial
``regsweep.report.plots.curves`` learning curves
``regsweep.report.plots.sparse`` accuracy against sparsity
``regsweep.report.plots.all``    all of them for one sweep
===============================  ==============================================
"""
