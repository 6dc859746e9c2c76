"""What the configurations of the campaign and of the flood share."""


def runtime_line(runtime):
    """Nothing for the runtime that is taken unless told otherwise."""
    return "" if runtime == "tokio" else f"runtime: {runtime}\n"
