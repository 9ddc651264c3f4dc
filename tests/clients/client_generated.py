"""Clients generated from the running server's /openapi.json, compiled and called, and its linters: client_generated.py ADDRESS ADMIN NAME.
What the generators need is pinned in generated/package.json, generated/pom.xml and requirements/; a tool that is missing here ends with 77
and a word. Everything is made in build/clients/generated, again only where the description or a pin has changed."""
import hashlib
import json
import pathlib
import shutil
import struct
import subprocess
import sys

import common

HERE = pathlib.Path(__file__).resolve().parent / "generated"
WORK = common.ROOT / "build/clients/generated"
SKIPPED = 77
NPM = WORK / "node"
JARS = WORK / "jars"
DEPENDENCY = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies"
ONLY_CODE = "apiTests=false,modelTests=false,apiDocs=false,modelDocs=false"


def skip(why):
    print(f"skipped: {why}", flush=True)
    sys.exit(SKIPPED)


def need(*programs):
    for program in programs:
        if not shutil.which(program):
            skip(f"{program} is not here")


def run(*words, cwd=WORK, patience=300):
    done = subprocess.run([str(word) for word in words], cwd=cwd, capture_output=True, text=True, timeout=patience)
    if done.returncode:
        sys.exit(f"{' '.join(str(word) for word in words)}:\n{done.stdout[-4000:]}{done.stderr[-4000:]}")
    return done.stdout


def once(folder, parts, make):
    """The folder that make() fills, anew where one of the texts has changed."""
    mark, wanted = folder / "made-of", hashlib.sha256("\0".join(parts).encode()).hexdigest()
    if not mark.exists() or mark.read_text() != wanted:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        make()
        mark.write_text(wanted)
    return folder


def fetch(folder, pin, *words):
    """What a package client brings for the pin; skipped where it brings nothing."""
    def make():
        shutil.copy(HERE / pin, folder / pin)
        try:
            done = subprocess.run(words, cwd=folder, capture_output=True, text=True, timeout=400)
            why = done.returncode and (done.stderr.strip() or done.stdout.strip() or "?").splitlines()[-1]
        except subprocess.TimeoutExpired:
            why = "it took too long"
        if why:
            skip(f"{words[0]} cannot install what {pin} names: {why}")
    return once(folder, [(HERE / pin).read_text()], make)


def npm():
    need("node", "npm")
    return fetch(NPM, "package.json", "npm", "install", "--no-audit", "--no-fund", "--no-package-lock", "--loglevel=error") / "node_modules/.bin"


def jars():
    need("java", "mvn")
    return fetch(JARS, "pom.xml", "mvn", "-q", "-B", DEPENDENCY, "-DoutputDirectory=.")


def description():
    """The file with what the server says of itself."""
    WORK.mkdir(parents=True, exist_ok=True)
    path = WORK / "openapi.json"
    path.write_bytes(common.ask("/openapi.json"))
    return path


def call(*words, cwd=WORK):
    """The compiled client, with the server's URL and files of a digit and of its logits."""
    files = WORK / "digit.json", WORK / "wanted.json"
    for path, numbers in zip(files, (common.DIGIT, struct.unpack("<10f", common.native_bits()))):
        path.write_text(json.dumps(numbers))
    run(*words, f"http://{common.ADDRESS}", *files, cwd=cwd, patience=60)


def generate(language, folder, *more):
    path, cli = description(), next(jars().glob("openapi-generator-cli-*.jar"))
    words = ["java", "-jar", cli, "generate", "-i", path, "-g", language, "-o", folder, "--global-property", ONLY_CODE, *more]
    return once(folder, [path.read_text(), cli.name, *map(str, more)], lambda: run(*words))


def P4_linters_have_nothing_to_say():
    bin, path = npm(), description()
    (WORK / "spectral.yaml").write_text("extends: [spectral:oas]\n")
    run(bin / "spectral", "lint", path, "--ruleset", WORK / "spectral.yaml", "--fail-severity", "hint")
    said = run(bin / "redocly", "lint", path, "--format", "json")
    totals = json.loads(said[said.index("{"):])["totals"]
    if any(totals.values()):
        sys.exit(said)


def P4_go_compiles_and_calls():
    need("go")
    folder = WORK / "go"
    generate("go", folder / "relud", "--additional-properties=packageName=relud,withGoMod=false")
    (folder / "go.mod").write_text("module client\n\ngo 1.19\n")
    shutil.copy(HERE / "main.go", folder)
    run("go", "vet", "./...", cwd=folder)
    run("go", "build", "-o", "client", ".", cwd=folder)
    call("./client", cwd=folder)


def P4_java_compiles_and_calls():
    need("javac")
    folder = generate("java", WORK / "java", "--library", "native", "--additional-properties=openApiNullable=false,useJakartaEe=true")
    maps = [str(file) for file in (folder / "src/main/java").rglob("*.java") if "extends HashMap" in file.read_text()]
    if maps: # which are filled by nobody: what an inline schema with additionalProperties becomes
        sys.exit(f"answers would be lost in {maps}")
    path = ":".join(str(jar) for jar in jars().glob("*.jar") if not jar.name.startswith("openapi-generator"))
    sources = [*(folder / "src/main/java").rglob("*.java"), HERE / "Main.java"]
    run("javac", "-nowarn", "-proc:none", "-d", folder / "classes", "-cp", path, *sources)
    call("java", "-cp", f"{folder / 'classes'}:{path}", "Main")


def P4_python_calls():
    path, folder = description(), WORK / "python"
    words = [sys.executable, "-m", "openapi_python_client", "generate", "--path", path, "--output-path", folder / "relud", "--meta", "none"]
    pin = (HERE.parent / "requirements/generated_python.txt").read_text()
    once(folder, [path.read_text(), pin], lambda: run(*words))
    call(sys.executable, HERE / "main.py", cwd=folder)


def typescript(program, make):
    """Compiles strictly, in the folder of what npm has brought, and calls."""
    bin, config = npm(), json.loads((HERE / "tsconfig.json").read_text())
    config["files"] = [f"{program}.ts"]
    config["compilerOptions"]["outDir"] = f"out-{program}"
    make(bin)
    shutil.copy(HERE / f"{program}.ts", NPM)
    (NPM / f"tsconfig-{program}.json").write_text(json.dumps(config))
    run(bin / "tsc", "-p", f"tsconfig-{program}.json", cwd=NPM)
    call("node", f"out-{program}/{program}.js", cwd=NPM)


def P4_typescript_compiles_and_calls():
    typescript("main", lambda bin: run(bin / "openapi-typescript", description(), "-o", "paths.d.ts", cwd=NPM))


def P4_typescript_fetch_compiles_and_calls():
    properties = "--additional-properties=importFileExtension=.js"
    typescript("fetch", lambda bin: generate("typescript-fetch", NPM / "fetch", properties))


NAMES = {"openapi_linters": P4_linters_have_nothing_to_say, "generated_go": P4_go_compiles_and_calls, "generated_java": P4_java_compiles_and_calls,
         "generated_python": P4_python_calls, "generated_typescript": P4_typescript_compiles_and_calls,
         "generated_fetch": P4_typescript_fetch_compiles_and_calls}
if __name__ == "__main__":
    NAMES[sys.argv[3]]()
