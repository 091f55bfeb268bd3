"""What an operator configures: one TOML file a network, secrets and addresses of servers from the environment.

Every key carries its unit, no key is optional unless it says so, none may be unknown. A package that touches the world
owns its section (``agent.chain.config`` and so on); this one composes them, and reads the file.
"""

from agent.settings.file import config_path, load_settings
from agent.settings.settings import Settings

__all__ = ["Settings", "config_path", "load_settings"]
