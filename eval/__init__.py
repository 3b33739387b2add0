"""How it is judged: metrics, runs, reports."""
