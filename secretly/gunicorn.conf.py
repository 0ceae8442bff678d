"""gunicorn's configuration: `gunicorn -c secretly/gunicorn.conf.py`. GUNICORN_CMD_ARGS overrides it."""

import gc
import os
import shutil
from pathlib import Path
from typing import Any

from privatekit import memory
from secretly import environment, logs

# A worker uses one core. OpenBLAS would also reserve some hundred MB for more threads, which count as memory taken
# below the wall (privatekit/memory.py). It reads this when numpy is imported.
os.environ |= {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}

wsgi_app = "secretly.wsgi:application"
bind = f"127.0.0.1:{os.environ.get('PORT', '8000')}"

# Recognising a face keeps a processor busy, so there is a worker for each; more than four only cost memory. The threads
# wait for Rekognition and the database. Slow clients wait in the worker's main loop, and take no thread.
workers = int(os.environ.get("WEB_CONCURRENCY") or min(os.cpu_count() or 1, 4))
worker_class = "secretly.worker.BufferingWorker"
threads = 4
worker_connections = 500  # of each worker: below 1,024 open files, which is the usual limit
sendfile = False  # the worker's socket would not see how slowly a file is taken

# The models are loaded once, before the workers fork, so that they share the memory.
preload_app = True

timeout = 60  # seconds without a sign of life after which a worker is replaced; no request is bounded by it
keepalive = 5

# Trusted headers are configured in secretly/proxies.py alone, not in a second list with other defaults.
secure_scheme_headers: dict[str, str] = {}
forwarder_headers = ""

control_socket_disable = True  # nothing here uses it, and it would lie in the home folder of the user
accesslog = None  # SECRETLY_LOG=json logs requests without addresses; a proxy in front logs the rest
log = environment.choice("SECRETLY_LOG", "line", logs.KINDS)
if log == "json":
    logconfig_dict = logs.configuration(log)
    logconfig_dict["loggers"]["gunicorn.error"] = {"level": "INFO", "propagate": True, "handlers": []}
worker_tmp_dir = "/dev/shm" if os.path.isdir("/dev/shm") else None  # noqa: S108 - a heartbeat file, never a picture

# The workers count into files of one folder: see secretly/metrics.py. prometheus_client reads the variable when it is
# imported, so it is set here. A reload runs this again, and must not empty the folder.
if environment.text("SECRETLY_METRICS_TOKEN") and "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
    folder = environment.home(Path(__file__).parent.parent / "var") / "metrics" / bind.rpartition(":")[2]
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder)


def on_starting(server: Any) -> None:
    """Make what all workers need before they fork; then they share it, and give back what a request has used."""
    import faiss  # noqa: F401 - it reserves memory, which is not to count as a worker's

    from faceauth.conf import conf
    from faceauth.rekognition.client import client
    from faceauth.vision import networks

    networks.warm_up()
    if conf().ENDPOINT == "local":
        client()
    gc.collect()
    gc.freeze()  # a collection would touch, and so copy, what the workers share
    memory.give_back()


def child_exit(server: Any, worker: Any) -> None:
    """Keep what an ended worker has counted, and drop its gauges."""
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        from prometheus_client import multiprocess

        multiprocess.mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]


def when_ready(server: Any) -> None:
    if log == "json":
        return
    host, port = server.LISTENERS[0].getsockname()[:2]
    print(f"\n  Secretly runs at http://{'localhost' if host == '127.0.0.1' else host}:{port}/\n", flush=True)
