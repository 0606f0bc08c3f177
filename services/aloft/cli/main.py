"""The `aloft` command."""

import typer

from aloft.cli import admin, batch, bench, campaign, images, keys, models, ranking, runs, strategies, vendor
from aloft.cli.demo import demo
from aloft.cli.events import redrive, stuck
from aloft.cli.garbage import gc
from aloft.cli.serve import serve, up
from aloft.cli.settings import settings
from aloft.cli.simulate import simulate
from aloft.cli.why import why

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Active learning for archives of remote-sensing images."
    " Client commands read ALOFT_KEY and ALOFT_HOST.",
)
app.command()(up)
app.command()(serve)
app.command()(settings)
app.command()(demo)
app.command()(simulate)
app.command()(stuck)
app.command()(redrive)
app.command()(gc)
app.command()(why)
app.add_typer(bench.app, name="bench")
app.add_typer(admin.app, name="admin")
app.add_typer(campaign.app, name="campaign")
app.add_typer(images.app, name="images")
app.add_typer(vendor.app, name="vendor")
app.add_typer(keys.app, name="key")
app.add_typer(models.app, name="model")
app.add_typer(runs.app, name="run")
app.add_typer(ranking.app, name="ranking")
app.add_typer(batch.app, name="batch")
app.add_typer(strategies.app, name="strategies")

if __name__ == "__main__":
    app()
