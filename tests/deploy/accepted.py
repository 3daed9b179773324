"""Whether the program takes the settings of every file for operators: `entrada check`, with the simulated tenant and a Redis."""

import base64
import os
import re
import subprocess
import unittest

from settings import OVERLAYS, compose_settings, load, pod_settings, render, render_settings
from stage import BINARY, GUARD_S, Backend

# What the person or the platform fills in.
HOST = "entrada.example.org"


def setUpModule():
    Accepted.backend = Backend()
    unittest.addModuleCleanup(Accepted.backend.close)


class Accepted(unittest.TestCase):
    backend = None

    def check(self, values):
        """What `entrada check` says with these settings, and whether it was content."""
        done = subprocess.run([BINARY, "check"], env=self.backend.environment(values), capture_output=True, text=True,
                              timeout=GUARD_S, check=False)
        return done.returncode == 0, done.stdout + done.stderr

    def overlay(self, name):
        """The settings of an overlay; the Secret's keys and the cluster's token are where its volumes have them."""
        folder = self.backend.folder
        files = {f"entrada/{key}": value for key, value in self.backend.secrets.items()}
        files |= {"entrada/store": self.backend.redis, "azure/token": "a.cluster.token"}
        for path, value in files.items():
            (folder / path).parent.mkdir(exist_ok=True)
            (folder / path).write_text(value + "\n")
        return pod_settings(render(next(o for o in OVERLAYS if o.name == name)))

    def test_the_local_overlay(self):
        values = self.overlay("local")
        self.assertEqual((values["ENTRADA_LISTEN"], values["ENTRADA_PUBLIC_URL"]), ("0.0.0.0:8080", "http://localhost:8080"))
        content, said = self.check(values)
        self.assertTrue(content, said)

    def test_the_production_overlay(self):
        # The tenant knows no cluster, so its refusal of the token is what shows that the token was presented.
        content, said = self.check(self.overlay("example-production"))
        for line in ("ok    settings", "ok    store", "credential: federated token"):
            self.assertIn(line, said)
        self.assertFalse(content)
        self.assertRegex(said, r"FAIL  Entra credential: .*AADSTS\d+: JWT token")

    def test_compose(self):
        values = compose_settings(load("compose.yaml"))
        values["ENTRADA_PUBLIC_URL"] = re.sub(r"\$\{PUBLIC_HOST:[^}]*\}", HOST, values["ENTRADA_PUBLIC_URL"])
        content, said = self.check(values | {"ENTRADA_STORE": self.backend.redis})
        self.assertTrue(content, said)

    def test_render(self):
        given = {
            "ENTRADA_PUBLIC_URL": f"https://{HOST}", "ENTRADA_STORE": self.backend.redis,
            # https://render.com/docs/blueprint-spec: a base64 string of 256 bits.
            "ENCRYPTION_KEY": base64.b64encode(os.urandom(32)).decode(),
            "AZURE_CLIENT_SECRET": self.backend.secrets["azure-client-secret"], "AZURE_TENANT_ID": "", "AZURE_CLIENT_ID": "",
        }
        values = render_settings(load("render.yaml"))
        self.assertEqual({name for name, value in values.items() if value is None}, set(given))
        content, said = self.check(values | given)
        self.assertTrue(content, said)

    def test_a_secret_that_is_missing_or_malformed_stops_the_start_and_is_named(self):
        values = self.overlay("local")
        cases = {
            "store": ("ENTRADA_STORE", "memcached://:sesame@host"), "encryption-keys": ("ENCRYPTION_KEYS", "k:c2VzYW1l"),
            "admin-token": ("ENTRADA_ADMIN_TOKEN", "sesame"), "azure-client-secret": ("AZURE_CLIENT_SECRET", None),
        }
        keys = {"ENTRADA_STORE": "store.url", "ENCRYPTION_KEYS": "keys.encryption_keys",
                "ENTRADA_ADMIN_TOKEN": "server.admin_token", "AZURE_CLIENT_SECRET": "entra.client_secret"}
        for key, (variable, malformed) in cases.items():
            file = self.backend.folder / "entrada" / key
            for content in (None, "", malformed):
                if content is None:
                    file.unlink(missing_ok=True)
                elif not content and malformed is None:
                    continue
                else:
                    file.write_text(content)
                fine, said = self.check(values)
                self.assertFalse(fine, (key, content))
                # A file that is not there is named by its path.
                named = (str(file),) if content is None else (variable, keys[variable])
                self.assertTrue(any(name in said for name in named), (key, content, said))
                self.assertNotRegex(said, "sesame|c2VzYW1l")
            self.overlay("local")


if __name__ == "__main__":
    unittest.main()
