"""From tables to ``report.html``.

- `cells`: the comparison as the page shows it: rounded cells that know their full value
- `page`: ``report.html``: one file that opens without a network and holds the whole answer
"""
