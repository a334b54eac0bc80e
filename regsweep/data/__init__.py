"""The data sets: where they come from, that they are the right ones, how they are split.

- `__main__`: `python -m regsweep.data [NAME ...]`: have the files of these data sets (default
  mnist)
- `arrays`: arrays in an `.npz` file: `x` and `y`, and test parts if there are any
- `bundled`: the sets that scikit-learn ships: nothing is downloaded
- `columns`: what the columns of a table are: numbers, categories, or nothing to learn from
- `csv_file`: a CSV file as a data frame, whose every fault has a message that says where it is
- `dataset`: what training is given: arrays, split into training, validation and test
- `facts`: what is known of data before anything trains on them: shapes, numbers, names
- `fetch`: all files of a source, present and verified; what is missing is downloaded
- `function`: the rows that a data function of a study gives: checked, and encoded
- `idx`: the IDX file format of MNIST: a magic number, the dimensions, the bytes
- `mirrors`: missing files from the mirrors that torchvision knows
- `own`: the user's own rows as examples: divided, and encoded by the training rows alone
- `own_arrays`: what a data function of a study gives: arrays, or a data frame
- `own_file`: a file of the user's: its bytes, and their SHA-256
- `packages`: missing files from a package, where package mirrors are all that a network reaches
- `parts`: rows divided into training, validation and test: by class, and by group
- `progress`: progress on stderr: a bar on a terminal, one log line elsewhere
- `shared`: examples that the processes of a sweep hold once: tensors in files that all of them map
- `shared_folder`: the folder in which they share them: made, and removed at any end
- `sizes`: how rows without a published split are divided: numbers of rows, or shares of them
- `source`: the data sets that can be chosen: their files, their pinned hashes, the sizes they allow
- `split`: stratified training and validation examples: the same for every run of a split seed
- `table`: a table in a CSV file: which columns are learned from, and what is made of them
- `targets`: targets as they are given, in one column or several: classes, labels or numbers
- `tasks`: the task that targets and a loss make together
- `vision`: the classification sets of torchvision, downloaded by it where they are not there
- `verify`: SHA-256 of the files on disk: checked before every use, remembered between starts
"""
