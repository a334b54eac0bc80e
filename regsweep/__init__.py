"""Compare regularizers fairly, fast, and with evidence.

=====================  ==========================================================
module                 what it holds
=====================  ==========================================================
``regsweep.app``       the command line: Hydra in, exit codes out
``regsweep.callback``  checks before a run or stock sweep, the report after one
``regsweep.arms``      the arms of a sweep, composed and checked
``regsweep.preflight`` what can be known of a sweep before its first job
``regsweep.config``    the composed config, checked and turned into plain values
``regsweep.spec``      those values: what a run is asked to do
``regsweep.sweeper``   ``hydra/sweeper=compare``, as Hydra sees it
``regsweep.compare``   the comparison: search, confirm, resume
``regsweep.launcher``  ``hydra/launcher=pack``, as Hydra sees it
``regsweep.rounds``    the jobs of a round: composed, trained in packs, published
``regsweep.job``       one Hydra job: a config in, a trained run and its record out
``regsweep.data``      MNIST and Fashion-MNIST: fetched, verified, split
``regsweep.training``  the training core: a pack of runs trained as one model
``regsweep.record``    what a run publishes
``regsweep.report``    records gathered into tables, a verdict and ``report.html``
=====================  ==========================================================
"""
