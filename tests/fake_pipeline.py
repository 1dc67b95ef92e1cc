"""A compiler that writes what it is told to: for tests of the runtime alone."""

import inspect
import sys
from dataclasses import dataclass, field
from types import ModuleType

import symgrad
from symgrad.ir.signature import Capture, Generated, Request, Signature


@dataclass
class Compiled:
    generated: Generated


@dataclass
class FakePipeline:
    """``body`` is the statements of each generated function; ``compiled`` are the calls it was compiled for."""

    body: str = "return None"
    conditions: tuple[str, ...] = ()
    captures: tuple[Capture, ...] = ()
    imports: tuple[tuple[str, str], ...] = ()
    compiled: list = field(default_factory=list)

    def compile_derivative(self, function, request: Request, signature: Signature, sizes) -> Compiled:
        self.compiled.append((signature, sizes))
        items = inspect.signature(function).parameters.values()
        bare = [item.replace(annotation=inspect.Parameter.empty) for item in items]
        lines = "\n".join(f"    {line}" for line in self.body.split("\n"))
        name = "lambda_grad" if function.__name__ == "<lambda>" else f"{function.__name__}_grad"
        source = f'def {name}{inspect.Signature(bare)}:\n    """Gradient."""\n{lines}\n'
        return Compiled(Generated(name, source, self.imports, signature, self.conditions, self.captures))

    def formula(self, function, request: Request, signature: Signature) -> str:
        return f"formula of {function.__name__}"

    def install(self, monkeypatch=None) -> "FakePipeline":
        """Takes the compiler's place: for a test, or (without ``monkeypatch``) for a whole process."""
        module = ModuleType("symgrad.pipeline")
        module.compile_derivative = self.compile_derivative
        module.formula = self.formula
        if monkeypatch is None:
            sys.modules["symgrad.pipeline"] = symgrad.pipeline = module
        else:
            monkeypatch.setitem(sys.modules, "symgrad.pipeline", module)
            monkeypatch.setattr(symgrad, "pipeline", module, raising=False)
        return self
