"""Where the functions of packs run: this machine's cores, or this process.

- `choice`: which engine runs the packs of a sweep
- `engine`: what an engine is: where the functions of packs run
- `in_process`: this process as an engine: one call after the other, for debuggers and notebooks
- `local`: the worker processes of a sweep: started once, used round after round, one thread each
"""
