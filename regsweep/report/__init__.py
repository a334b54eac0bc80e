"""Records gathered into tables, a verdict and a page, with neither torch nor Hydra.

================================ =================================================
module                           what it holds
================================ =================================================
``regsweep.report.tables.scan``         the run folders under a directory
``regsweep.report.tables.gather``       their records, and what could not be read
``regsweep.report.tables.copies``       each of their records once
``regsweep.report.tables.request``        what a sweep was asked for, from its ``sweep.json``
``regsweep.report.tables.varied_settings``       what was varied between the runs of an arm
``regsweep.report.tables.override``     a value as Hydra's override grammar spells it
``regsweep.report.tables.raised``       the line of a traceback that says what happened
``regsweep.report.tables.runs``         the table with a row a run
``regsweep.report.tables.winner``       which setting of an arm won, and the runs that test it
``regsweep.report.tables.arm``          what the runs of one arm come to
``regsweep.report.tables.statistics``   intervals, paired tests, Holm's correction
``regsweep.report.tables.judge``        every arm tested against the baseline
``regsweep.report.tables.comparison``   the table with a row an arm
``regsweep.report.words.verdicts``     the answer in sentences
``regsweep.report.words.remarks``      what a reader should know beside it
``regsweep.report.tables.history``      the learning curve of a run
``regsweep.report.tables.report``       all of this together
``regsweep.report.build``        a report made from directories
``regsweep.report.tables.write``        the tables and the page as files
``regsweep.report.words.view``         the tables as the terminal shows them
``regsweep.report.words.terminal``     what the user sees at the end
``regsweep.report.page.page``         ``report.html``
``regsweep.report.page.cells``        its table
``regsweep.report.words.method``          its account of how the sweep was done
``regsweep.report.plots``        its plots
``regsweep.report.aggregate``    from directories to files and terminal, in one call
================================ =================================================
"""
