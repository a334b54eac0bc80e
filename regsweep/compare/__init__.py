"""The compare sweeper: equal budgets for every arm, evidence on fresh seeds, resume.

===========================  ==================================================================
module                       what it holds
===========================  ==================================================================
``regsweep.compare.plan``    what a sweep does: arms, budget, rounds, the folder of every run
``regsweep.compare.studies`` an Optuna study an arm, with suggestions that repeat themselves
``regsweep.compare.ledger``  what the records say has been done
``regsweep.compare.resume``  whether a folder's sweep may go on under the settings given now
``regsweep.compare.live``    what the user sees while it runs
``regsweep.compare.stages``  search and confirm: rounds launched, told, repeated
``regsweep.compare.sweep``   all of it in order
===========================  ==================================================================
"""
