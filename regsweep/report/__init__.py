"""Records gathered into tables, a verdict and a page, with neither torch nor Hydra.

================================ =================================================
module                           what it holds
================================ =================================================
``regsweep.report.scan``         the run folders under a directory
``regsweep.report.gather``       their records, and what could not be read
``regsweep.report.copies``       each of their records once
``regsweep.report.asked``        what a sweep was asked for, from its ``sweep.json``
``regsweep.report.varied``       what was varied between the runs of an arm
``regsweep.report.override``     a value as Hydra's override grammar spells it
``regsweep.report.raised``       the line of a traceback that says what happened
``regsweep.report.runs``         the table with a row a run
``regsweep.report.winner``       which setting of an arm won, and the runs that test it
``regsweep.report.arm``          what the runs of one arm come to
``regsweep.report.statistics``   intervals, paired tests, Holm's correction
``regsweep.report.judge``        every arm tested against the baseline
``regsweep.report.comparison``   the table with a row an arm
``regsweep.report.verdicts``     the answer in sentences
``regsweep.report.remarks``      what a reader should know beside it
``regsweep.report.history``      the learning curve of a run
``regsweep.report.report``       all of this together
``regsweep.report.build``        a report made from directories
``regsweep.report.write``        the tables and the page as files
``regsweep.report.view``         the tables as the terminal shows them
``regsweep.report.terminal``     what the user sees at the end
``regsweep.report.page``         ``report.html``
``regsweep.report.cells``        its table
``regsweep.report.how``          its account of how the sweep was done
``regsweep.report.plots``        its plots
``regsweep.report.aggregate``    from directories to files and terminal, in one call
================================ =================================================
"""
