"""From tables to sentences, and to what a terminal shows.

- `ablation`: what each ingredient of a winner is worth, in words
- `choice`: what to take, in a line and in a sentence
- `headline`: the answer of a comparison in one sentence of at most two lines
- `measure`: what an arm is judged on, in words: its name, its direction and its unit
- `method`: how a sweep was done, in words: its budget, its seeds, its spaces, the machine
- `numbers`: numbers as people write them
- `paper`: how a comparison is reported in a paper: a paragraph, and its table in LaTeX and Markdown
- `plateau`: the weights that are as good as an arm's best, in words
- `remarks`: what a reader of a comparison should know beside the verdict
- `rows`: what the test rows can tell, in words
- `sparse`: what sparsest trials come to, and what networks shrink to
- `terminal`: what the user sees at the end of a sweep or of the report command
- `trials`: how many trials each arm had, where that is not the same number
- `undertrained`: what is said of networks that were hardly trained: a regularizer of them tells
  little
- `untested`: why nothing is tested, or not all: what the verdicts leave unsaid
- `verdicts`: the answer of a comparison, arm by arm
- `view`: the comparison and a lone run as terminal tables
"""
