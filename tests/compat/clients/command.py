"""The command line that every Python compat client offers, so that each runs in a process of its own:

    python -m clients.<client> produce|consume --bootstrap HOST:PORT --work TOPIC:CODEC:COUNT ...

prints one JSON line per topic: {"topic", "codec", "records", "seconds"}. A wrong record ends it with a traceback.
"""

import argparse
import json
import time


def run(client_name, produce, consume):
    """produce(bootstrap, topic, codec, count) and consume(bootstrap, topic, count) do one topic each."""
    parser = argparse.ArgumentParser(prog=client_name)
    parser.add_argument("action", choices=["produce", "consume"])
    parser.add_argument("--bootstrap", required=True)
    parser.add_argument("--work", nargs="+", required=True)
    arguments = parser.parse_args()
    for item in arguments.work:
        topic, codec, count = item.split(":")
        started = time.monotonic()
        if arguments.action == "produce":
            produce(arguments.bootstrap, topic, codec, int(count))
        else:
            consume(arguments.bootstrap, topic, int(count))
        print(json.dumps({"topic": topic, "codec": codec, "records": int(count),
                          "seconds": round(time.monotonic() - started, 3)}), flush=True)
