"""The images: where they come from, that they are the right ones, and how they are split.

- `source`: the data sets, their pinned SHA-256, and which split sizes they allow (no torch)
- `verify`: SHA-256 of the files on disk, remembered between starts
- `mirrors`, `packages`, `progress`: the ways to get files that are missing
- `fetch`: `ensure_files`, all files of a source present and verified
- `idx`: the IDX file format
- `split`: stratified training and validation examples
- `dataset`: `load_dataset`, what training is given
"""
