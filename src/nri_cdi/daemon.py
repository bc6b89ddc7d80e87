"""The process around the plugin: event loop, signals, specs and the service manager.

The order of the start matters on a node. A runtime creates containers without their
devices while no plugin is connected, so connecting comes first, and reading the specs
goes on beside it: a container that asks for a device meanwhile waits for the first
scan.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress

from nri_cdi import __version__
from nri_cdi.config import Config, parse_config
from nri_cdi.errors import ConfigError, NriCdiError
from nri_cdi.logs import logging_to_stderr
from nri_cdi.nri.launch import launched
from nri_cdi.nri.session import serve, serve_launched
from nri_cdi.plugin import CdiPlugin
from nri_cdi.sdnotify import notify
from nri_cdi.speckeeper import SPECS_THREAD, SpecKeeper

logger = logging.getLogger(__name__)

# The thread that reads specs takes turns with the loop. With the interpreter's 5 ms,
# each system call of a request could wait that long for its turn while a large
# directory is read. With this, a request takes 0.5 ms meanwhile.
SWITCH_INTERVAL_S = 0.0001

EXIT_FAILURE = 1


def run(
    config: Config,
    environ: Mapping[str, str] = os.environ,
    *,
    broken: ConfigError | None = None,
) -> int:
    """Run the plugin until it is told to stop; the process's exit status comes back.

    With a ``broken`` configuration it refuses the containers that ask for devices.
    """
    # Its default is to end the process; a handler comes with the loop.
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    # What the program itself is made of stays: no need to search it for garbage.
    gc.freeze()
    with logging_to_stderr(config.log_level, environ, launched=launched(environ)):
        status = _run(config, environ, broken)
    if any(thread.name.startswith(SPECS_THREAD) for thread in threading.enumerate()):
        # It reads a large file, or a file system that doesn't answer. The interpreter
        # would wait for it.
        os._exit(status)
    return status


def _run(config: Config, environ: Mapping[str, str], broken: ConfigError | None) -> int:
    try:
        asyncio.run(_main(config, environ, broken))
    except NriCdiError as error:
        logger.error("%s", error)
        return EXIT_FAILURE
    except Exception:
        # The top: a launched plugin has no stderr for a traceback.
        logger.exception("ended by a bug")
        return EXIT_FAILURE
    logger.info("stopped")
    return 0


async def _main(
    config: Config, environ: Mapping[str, str], broken: ConfigError | None
) -> None:
    loop = asyncio.get_running_loop()
    serving = asyncio.current_task()
    assert serving is not None
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, serving.cancel)
    async with SpecKeeper(config.spec_dirs) as specs:
        loop.add_signal_handler(signal.SIGHUP, _rescan, specs)
        plugin = _plugin(config, specs, broken)
        logger.info(
            "nri-cdi %s starts as %s-%s, with specs from %s",
            __version__,
            plugin.index,
            plugin.name,
            ", ".join(config.spec_dirs),
        )
        for line in broken.lines() if broken is not None else ():
            logger.error("%s", line)
        # systemd may start what waits for this service: a runtime, for one, which has
        # to be up before the plugin can register with it. So ready means ready to
        # connect.
        notify(environ, "READY=1")
        with suppress(asyncio.CancelledError):
            await _serve(plugin, config, environ)
        notify(environ, "STOPPING=1")


def _rescan(specs: SpecKeeper) -> None:
    logger.info("SIGHUP: reading the specs")
    specs.rescan()


def _plugin(config: Config, specs: SpecKeeper, broken: ConfigError | None) -> CdiPlugin:
    def configured(text: str) -> None:
        """Take over what the runtime has for the plugin that it launched."""
        given = parse_config(text, "the configuration that the runtime has", config)
        logging.getLogger().setLevel(given.log_level.upper())
        specs.use(given.spec_dirs)

    return CdiPlugin(
        specs,
        config.name,
        config.index,
        on_config=configured,
        broken=broken,
        later=asyncio.get_running_loop().call_soon,
    )


async def _serve(plugin: CdiPlugin, config: Config, environ: Mapping[str, str]) -> None:
    if launched(environ):
        await serve_launched(plugin, environ)
    else:
        await serve(plugin, config.socket)
