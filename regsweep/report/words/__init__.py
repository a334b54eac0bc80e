"""From tables to sentences, and to what a terminal shows.

- `choice`: what to take, in a sentence
- `method`: how a sweep was done, in words: its budget, its seeds, its spaces, the machine
- `plateau`: the weights that are as good as an arm's best, in words
- `remarks`: what a reader of a comparison should know beside the verdict
- `rows`: what the test rows can tell, in words
- `terminal`: what the user sees at the end of a sweep or of the report command
- `undertrained`: what is said of networks that were hardly trained: a regularizer of them tells
  little
- `verdicts`: the answer of a comparison in sentences
- `view`: the comparison and a lone run as terminal tables
"""
