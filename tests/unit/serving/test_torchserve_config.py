"""TorchServe's settings: nothing that is unsafe is left to a default."""

from pathlib import Path

from aloft.serving.torchserve.config import TorchServeConfig


def settings(config: TorchServeConfig) -> dict[str, str]:
    lines = config.text().splitlines()
    return {name: value for name, _, value in (line.partition("=") for line in lines)}


def test_management_stays_on_loopback_wherever_predictions_are_asked_for(tmp_path: Path) -> None:
    said = settings(TorchServeConfig(tmp_path, inference_host="0.0.0.0", metrics_host="0.0.0.0"))
    assert said["inference_address"] == "http://0.0.0.0:8080"
    assert said["grpc_inference_address"] == "0.0.0.0"
    assert said["metrics_address"] == "http://0.0.0.0:8082"
    assert said["management_address"] == "http://127.0.0.1:8081"
    assert said["grpc_management_address"] == "127.0.0.1"


def test_it_takes_archives_from_its_store_and_orders_from_those_with_a_token(tmp_path: Path) -> None:
    said = settings(TorchServeConfig(tmp_path))
    assert said["allowed_urls"] == f"file://{tmp_path}/.*"
    assert said["enable_model_api"] == "true"
    for off in (
        "disable_token_authorization",
        "install_py_dep_per_model",
        "enable_envvars_config",
        "use_env_allowed_urls",
    ):
        assert said[off] == "false", f"{off} is on"


def test_a_tile_of_twelve_bands_fits_a_request(tmp_path: Path) -> None:
    said = settings(TorchServeConfig(tmp_path))
    assert int(said["max_request_size"]) >= 1024 * 1024 * 12 * 2
    assert said["metrics_mode"] == "prometheus"
