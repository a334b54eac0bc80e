"""Records gathered into tables, with neither torch nor Hydra.

=============================  ================================================
module                         what it holds
=============================  ================================================
``regsweep.report.scan``       the run folders under a directory
``regsweep.report.gather``     their records, and what could not be read
``regsweep.report.varied``     what was varied between the runs of an arm
``regsweep.report.override``   a value as Hydra's override grammar spells it
``regsweep.report.runs``       the table with a row a run
``regsweep.report.comparison`` the table with a row an arm
``regsweep.report.write``      both tables as CSV files
``regsweep.report.view``       the tables as the terminal shows them
``regsweep.report.terminal``   what the user sees at the end
``regsweep.report.aggregate``  all of it in one call
=============================  ================================================
"""
