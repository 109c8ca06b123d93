"""The history of audits as one static page: `index.html` beside the bundles."""
