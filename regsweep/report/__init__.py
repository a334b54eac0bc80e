"""Records gathered into tables, a verdict and a page, with neither torch nor Hydra.

- `__main__`: the report command: ``python -m regsweep.report DIR... [--out DIR]``
- `aggregate`: from directories to tables on disk and in the terminal, in one call
- `build`: a report, made from the records and sweep files under directories
- `load`: the tables of a folder as data frames, for notebooks
- `page/`: from tables to ``report.html``
- `plots/`: the plots of ``report.html``: tables in, plotly figures out
- `tables/`: from records to tables
- `words/`: from tables to sentences, and to what a terminal shows
"""
