"""Find the Inngest dev server's program, or fetch or build it.

Searched in this order: a configured path; `inngest` or `inngest-cli` on the PATH; durameter's own cache; the
prebuilt program of npm's `inngest-cli`; a build of the Go module `github.com/inngest/inngest`. The last two end in the
cache, one file per version and platform. Source of the recipes: the vendor's npm package and Go module, at 1.12.1 and
1.44.0.
"""

from durameter.engines.inngest.binary._program import RECIPES, TESTED_VERSIONS, VERSION, InngestBinary, options_of
from durameter.engines.inngest.binary._search import could_build, ensure, find

__all__ = ["RECIPES", "TESTED_VERSIONS", "VERSION", "InngestBinary", "could_build", "ensure", "find", "options_of"]
