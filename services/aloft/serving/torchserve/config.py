"""TorchServe's `config.properties`, with every default that is not safe decided here."""

from dataclasses import dataclass
from pathlib import Path

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class TorchServeConfig:
    """How a TorchServe beside its agent is set."""

    model_store: Path
    """The one folder that archives are registered from."""
    inference_port: int = 8080
    management_port: int = 8081
    metrics_port: int = 8082
    grpc_inference_port: int = 7070
    grpc_management_port: int = 7071
    worker_port: int = 9000
    """Names the sockets of workers; two servers on one machine need numbers apart."""
    inference_host: str = LOOPBACK
    """Where predictions are asked for; 0.0.0.0 in a pod. Management never leaves the pod."""
    metrics_host: str = LOOPBACK
    """Where Prometheus comes from."""
    queue: int = 100
    """Requests that wait for one version before more are refused."""
    max_request_bytes: int = 32 * 1024 * 1024
    """A tile of 12 bands and 16 bits fits up to 1024 × 1024."""
    response_timeout_s: int = 60
    """A batch that takes longer has its worker restarted."""
    startup_timeout_s: int = 120
    """How long a worker may take to load a version."""
    heap: str = "512m"
    """The front end's memory; networks live in the workers."""

    def text(self) -> str:
        """Write the file. TorchServe is started with `--no-config-snapshots`, so nothing else decides."""
        store = self.model_store.resolve()
        settings = {
            "inference_address": f"http://{self.inference_host}:{self.inference_port}",
            "management_address": f"http://{LOOPBACK}:{self.management_port}",
            "metrics_address": f"http://{self.metrics_host}:{self.metrics_port}",
            "grpc_inference_address": self.inference_host,
            "grpc_inference_port": self.grpc_inference_port,
            "grpc_management_address": LOOPBACK,
            "grpc_management_port": self.grpc_management_port,
            "initial_worker_port": self.worker_port,
            "model_store": store,
            "allowed_urls": f"file://{store}/.*",
            "use_env_allowed_urls": "false",
            "enable_envvars_config": "false",
            "enable_model_api": "true",
            "disable_token_authorization": "false",
            "install_py_dep_per_model": "false",
            "metrics_mode": "prometheus",
            # It starts a program a minute to measure a machine that is measured already.
            "disable_system_metrics": "true",
            "decode_input_request": "false",
            "job_queue_size": self.queue,
            "default_workers_per_model": 1,
            "default_response_timeout": self.response_timeout_s,
            "default_startup_timeout": self.startup_timeout_s,
            "unregister_model_timeout": self.startup_timeout_s,
            "max_request_size": self.max_request_bytes,
            "max_response_size": self.max_request_bytes,
            "vmargs": f"-Xmx{self.heap} -XX:+ExitOnOutOfMemoryError",
        }
        return "".join(f"{name}={value}\n" for name, value in settings.items())
