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
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, suppress
from dataclasses import replace
from functools import partial
from importlib import import_module
from typing import TypeVar

from nri_cdi import __version__
from nri_cdi.config import Config, Loader, needs_restart, parse_config
from nri_cdi.errors import ConfigError, NriCdiError
from nri_cdi.logs import logging_to_stderr, set_log_format, set_log_level
from nri_cdi.lookout import LOOKOUT_THREAD, Lookout
from nri_cdi.nri.launch import launched
from nri_cdi.nri.session import serve, serve_launched
from nri_cdi.plugin import CdiPlugin
from nri_cdi.recount import count_again
from nri_cdi.sdnotify import notify, watchdog_interval_s
from nri_cdi.speckeeper import SPECS_THREAD, STUCK_S, SpecKeeper
from nri_cdi.status.reading import Reading
from nri_cdi.terms import Terms

logger = logging.getLogger(__name__)

# The thread that reads specs takes turns with the loop. With the interpreter's 5 ms,
# each system call of a request could wait that long for its turn while a large
# directory is read. With this, a request takes 0.5 ms meanwhile.
SWITCH_INTERVAL_S = 0.0001

EXIT_FAILURE = 1

# How long the status waits for the plugin to be synchronized, which may take minutes.
STATUS_PATIENCE_S = 0.3
STATUS_LOOK_S = 0.01

# When a runtime that has gaps is asked for all containers once more: it has taken the
# plugin into use some ms after the answer. The second is for a failure of the first.
RECOUNTS_S = (0.5, 10.0)

CONFIG_THREAD = "configuration"

# Threads that may never end.
_PATIENT = (SPECS_THREAD, CONFIG_THREAD, LOOKOUT_THREAD)

T = TypeVar("T")


def run(
    config: Config,
    environ: Mapping[str, str] = os.environ,
    *,
    broken: ConfigError | None = None,
    loader: Loader | None = None,
) -> int:
    """Run the plugin until it is told to stop; the process's exit status comes back.

    With a ``broken`` configuration it refuses the containers that ask for devices.
    ``loader`` reads the configuration again when SIGHUP asks for it.
    """
    # Its default is to end the process; a handler comes with the loop.
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    # What the program itself is made of stays: no need to search it for garbage.
    gc.freeze()
    with logging_to_stderr(
        config.log_level,
        environ,
        launched=launched(environ),
        log_format=config.log_format,
    ):
        status = _run(config, environ, broken, loader)
    if any(thread.name.startswith(_PATIENT) for thread in threading.enumerate()):
        # It has a large file to read, or a file system that doesn't answer. The
        # interpreter would wait for it.
        os._exit(status)
    return status


def _run(
    config: Config,
    environ: Mapping[str, str],
    broken: ConfigError | None,
    loader: Loader | None,
) -> int:
    try:
        asyncio.run(_Daemon(config, environ, broken, loader).run())
    except NriCdiError as error:
        logger.error("%s", error)
        return EXIT_FAILURE
    except Exception:
        # The top: a launched plugin has no stderr for a traceback.
        logger.exception("ended by a bug")
        return EXIT_FAILURE
    logger.info("stopped")
    return 0


class _Daemon:
    """What runs beside the plugin, and what holds for it now."""

    def __init__(
        self,
        config: Config,
        environ: Mapping[str, str],
        broken: ConfigError | None,
        loader: Loader | None,
    ) -> None:
        self._began_at = time.time()
        self._config = self._started = config
        self._environ = environ
        self._broken = broken
        self._loader = loader
        self._from_runtime = ""
        self._reading = Reading(
            path=self._path(),
            loaded_at=time.time(),
            error="; ".join(broken.lines()) if broken is not None else "",
            refusing=broken is not None,
        )
        self._plugin: CdiPlugin | None = None
        self._specs: SpecKeeper | None = None
        self._reloading: asyncio.Task[None] | None = None
        self._reload_asked = False
        self._serving_status: asyncio.Task[None] | None = None
        self._recounting: asyncio.Task[None] | None = None

    def _path(self) -> str:
        """Where the configuration comes from; "" if there is none."""
        if self._from_runtime:
            return _RUNTIMES
        return (self._loader.path or "") if self._loader is not None else ""

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        serving = asyncio.current_task()
        assert serving is not None
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, serving.cancel)
        async with AsyncExitStack() as self._stack:
            specs = SpecKeeper(self._config.spec_dirs, self._take_stock)
            self._specs = await self._stack.enter_async_context(specs)
            lookout = Lookout()
            self._stack.callback(lookout.close)
            self._plugin = plugin = self._made_plugin(specs, lookout)
            loop.add_signal_handler(signal.SIGHUP, self._reload)
            self._say_start(plugin)
            self._serving_status = asyncio.create_task(self._serve_status())
            self._feed_watchdog()
            # systemd may start what waits for this service: a runtime, for one, which
            # has to be up before the plugin can register with it. So ready means ready
            # to connect.
            notify(self._environ, "READY=1")
            with suppress(asyncio.CancelledError):
                await self._serve(plugin)
            notify(self._environ, "STOPPING=1")
            self._serving_status.cancel()

    def _made_plugin(self, specs: SpecKeeper, lookout: Lookout) -> CdiPlugin:
        return CdiPlugin(
            specs,
            self._config,
            on_config=self._take_runtimes,
            broken=self._broken,
            later=asyncio.get_running_loop().call_soon,
            look=lookout.look,
            on_gaps=self._recount_soon,
        )

    def _say_start(self, plugin: CdiPlugin) -> None:
        logger.info(
            "nri-cdi %s starts as %s-%s, with specs from %s",
            __version__,
            plugin.index,
            plugin.name,
            ", ".join(self._config.spec_dirs),
        )
        for line in self._broken.lines() if self._broken is not None else ():
            logger.error("%s", line)

    def _take_stock(self) -> None:
        if self._plugin is not None:
            self._plugin.take_stock()

    async def _serve_status(self) -> None:
        """Serve the status once the plugin is synchronized, or has waited for a while.

        Connecting comes first, and to load what serves takes a fifth of the start.
        """
        plugin, specs = self._plugin, self._specs
        if not self._config.status or plugin is None or specs is None:
            return
        loop = asyncio.get_running_loop()
        until = loop.time() + STATUS_PATIENCE_S
        # A tenth of a second or so; nothing else has to know of it.
        while not plugin.ledger.link.synchronized and loop.time() < until:  # noqa: ASYNC110
            await asyncio.sleep(STATUS_LOOK_S)
        # With an HTTP parser and the metrics, 4 MB that most nodes can do without.
        await asyncio.to_thread(import_module, "nri_cdi.status.server")
        from nri_cdi.address import parse_address
        from nri_cdi.status.server import StatusServer
        from nri_cdi.status.snapshot import observe

        server = StatusServer(
            parse_address(self._config.status),
            lambda: observe(
                self._config,
                plugin,
                specs.registry,
                self._reading,
                started_at=self._began_at,
            ),
        )
        await self._stack.enter_async_context(server)

    def _recount_soon(self) -> bool:
        if launched(self._environ):
            # It is there before the runtime serves anybody.
            return False
        if self._recounting is not None:
            self._recounting.cancel()
        self._recounting = asyncio.create_task(self._recount())
        return True

    async def _recount(self) -> None:
        plugin = self._plugin
        assert plugin is not None
        connection, reason = plugin.ledger.link.connections, ""
        for delay_s in RECOUNTS_S:
            await asyncio.sleep(delay_s)
            try:
                everything = await count_again(plugin.name, self._config.socket)
            except ConnectionError as error:
                reason = str(error)
                continue
            link = plugin.ledger.link
            if link.synchronized and link.connections == connection:
                plugin.recount(*everything)
                logger.info("looked at all containers a second time")
            # Else there is, or will be, a synchronization that is newer than this.
            return
        plugin.end_recount()
        logger.warning(
            "the runtime could not be asked for all containers a second time: %s; who "
            "was made or removed while the plugin registered may be missed",
            reason,
        )

    def _feed_watchdog(self) -> None:
        """Tell systemd that the loop turns, again and again."""
        interval_s = watchdog_interval_s(self._environ)
        if interval_s is None:
            return
        notify(self._environ, "WATCHDOG=1")
        asyncio.get_running_loop().call_later(interval_s, self._feed_watchdog)

    async def _serve(self, plugin: CdiPlugin) -> None:
        if launched(self._environ):
            await serve_launched(plugin, self._environ)
        else:
            await serve(plugin, self._config.socket)

    def _take_runtimes(self, text: str) -> None:
        """Take over what the runtime has for the plugin that it launched.

        Raises: ConfigError.
        """
        self._from_runtime = text
        try:
            config = _over(self._config, text)
        except ConfigError as error:
            reasons = "; ".join(error.lines())
            self._reading = replace(self._reading, error=reasons, refusing=True)
            raise
        if self._broken is None:
            self._reading = Reading(path=_RUNTIMES, loaded_at=time.time())
        had_status = bool(self._config.status)
        self._use(config)
        # What was told before the runtime had its say was not all.
        self._started = config
        if not had_status:
            self._serving_status = asyncio.create_task(self._serve_status())

    def _reload(self) -> None:
        logger.info("SIGHUP: reading the configuration and the specs")
        self._reload_asked = True
        if self._reloading is None or self._reloading.done():
            self._reloading = asyncio.create_task(self._reload_all())

    async def _reload_all(self) -> None:
        # What is being read may be older than the signal that came last.
        while self._reload_asked:
            self._reload_asked = False
            await self._reload_now()

    async def _reload_now(self) -> None:
        assert self._specs is not None
        self._specs.rescan()
        if self._loader is None:
            return
        told = self._from_runtime
        stuck = asyncio.get_running_loop().call_later(STUCK_S, self._say_stuck)
        try:
            config, terms = await _aside(partial(_loaded, self._loader, told))
        except ConfigError as error:
            carry_out = partial(self._keep_old, error)
        else:
            carry_out = partial(self._take_new, config, terms)
        finally:
            stuck.cancel()
        if self._from_runtime == told:
            carry_out()
        else:
            # The runtime has had its say meanwhile, and it has the last word.
            self._reload_asked = True

    def _say_stuck(self) -> None:
        logger.warning(
            "reading the configuration %s takes more than %g s; it stays as it was",
            self._reading.path,
            STUCK_S,
        )

    def _keep_old(self, error: ConfigError) -> None:
        for line in error.lines():
            logger.error("%s", line)
        logger.error("the configuration stays as it was, until it is mended")
        reasons = "; ".join(error.lines())
        self._reading = replace(self._reading, error=reasons)

    def _take_new(self, config: Config, terms: Terms) -> None:
        wanted = config
        waiting = needs_restart(self._started, config)
        if waiting:
            logger.warning(
                "the new configuration has settings that take a restart: %s",
                ", ".join(waiting),
            )
            # Until then they are not what the status is to show.
            told = {key: getattr(self._started, key) for key in waiting}
            config = replace(config, **told)
        changed = config != self._config
        if self._plugin is not None:
            self._plugin.mended()
        self._use(config, terms)
        self._reading = Reading(path=self._path(), loaded_at=time.time(), wanted=wanted)
        logger.info(
            "the configuration is read again: %s",
            "in use from now on" if changed else "nothing has changed",
        )

    def _use(self, config: Config, terms: Terms | None = None) -> None:
        set_log_level(config.log_level)
        set_log_format(config.log_format)
        if self._plugin is not None:
            self._plugin.use(config, terms)
        if self._specs is not None:
            self._specs.use(config.spec_dirs)
        self._config = config


def _over(config: Config, from_runtime: str) -> Config:
    """A configuration with what the runtime has laid over it. Raises: ConfigError."""
    return parse_config(from_runtime, _RUNTIMES, config) if from_runtime else config


def _loaded(loader: Loader, from_runtime: str) -> tuple[Config, Terms]:
    """The configuration as it is now, and what takes the longest of it.

    Raises: ConfigError.
    """
    config = _over(loader.load(), from_runtime)
    return config, Terms.of(config)


async def _aside(call: Callable[[], T]) -> T:
    """What a call returns, from a thread that nothing waits for when the process ends.

    The loop waits for those of its own, and a file may be on a disk that hangs.
    """
    thread = ThreadPoolExecutor(1, thread_name_prefix=CONFIG_THREAD)
    try:
        return await asyncio.get_running_loop().run_in_executor(thread, call)
    finally:
        thread.shutdown(wait=False)


_RUNTIMES = "the configuration that the runtime has"
