"""What a node says on its page of metrics."""

import urllib.request


def metric(node, name):
    """The value of a series, by its whole name, of a node of weir_nodes."""
    with urllib.request.urlopen(f"http://{node.values['http.listen']}/metrics", timeout=5) as page:
        for line in page.read().decode().splitlines():
            if line.startswith(name + " "):
                return float(line.split()[1])
    raise AssertionError(f"no metric {name}")
