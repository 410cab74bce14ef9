"""What plans and analyses works where torch is not installed."""

import subprocess
import sys


def test_nothing_that_plans_or_analyses_imports_torch() -> None:
    names = "cli.app config planning.plan suites.study_suite steps.study.collect factors.measure"
    modules = ", ".join(f"flexmore.{name}" for name in names.split())
    check = f"import sys, {modules}; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", check], check=True)
