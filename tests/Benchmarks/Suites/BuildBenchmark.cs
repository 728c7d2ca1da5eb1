using System.Globalization;
using System.Text.RegularExpressions;
using Lorq.Benchmarks.Tools;

namespace Lorq.Benchmarks.Suites;

/// <summary>The way from the packages to a typed call, as a machine walks it that has never seen them.</summary>
internal sealed class BuildBenchmark(WorkFolder work)
{
    private const int Repeats = 10;
    private const int WarmRepeats = 5;

    /// <summary>What a build with nothing to do may cost above that of the same project without Lorq.</summary>
    private static readonly TimeSpan mostOverhead = TimeSpan.FromMilliseconds(150);

    /// <summary>What a build that compresses the recognizer may take, from an empty cache and from a full one.</summary>
    private static readonly TimeSpan mostCold = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan mostWarm = TimeSpan.FromSeconds(5);

    /// <summary>What an application that only runs a model may download beside ONNX Runtime.</summary>
    private const long MostBytes = 3_000_000;

    private static readonly string[] onnxRuntime = ["microsoft.ml.onnxruntime", "microsoft.ml.onnxruntime.managed"];

    private readonly Machine machine = new(work.For("machine"));

    private readonly ResultPage page = new(
        "From the packages to a typed call",
        "build",
        """
        The packages are packed from this checkout into a local feed; packages folder, settings and cache of `lorq` are empty at the start. What is not in the feed comes from nuget.org.
        """
    );

    /// <summary>Measures and writes <c>docs/results/build.md</c>.</summary>
    /// <returns>True when all bars are met.</returns>
    public async Task<bool> Run(CancellationToken cancellationToken)
    {
        await machine.Prepare(cancellationToken);
        await Commands(cancellationToken);
        bool met = await NothingToDo(cancellationToken);
        met &= await Compressing(cancellationToken);
        met &= Sizes();
        page.Write("build.md", isComplete: true);
        return met;
    }

    private async Task Commands(CancellationToken cancellationToken)
    {
        page.Line("## Three commands in an empty folder").Line();
        page.Head("command", ">time");
        string folder = machine.At("three");
        foreach (string command in new[] { "new install Lorq.Templates", "new lorq-console -o app", "run --project app" })
        {
            TimeSpan time = await machine.Dotnet(folder, cancellationToken, command.Split(' '));
            page.Row($"`dotnet {command}`", ResultPage.Seconds(time.TotalSeconds));
        }
        page.Line().Line("The last one downloads ONNX Runtime and the compiler, compresses the template's model, and runs it.").Line();
    }

    private async Task<bool> NothingToDo(CancellationToken cancellationToken)
    {
        string with = machine.At("three", "app");
        string without = machine.At("three", "plain", "app");
        string project = await File.ReadAllTextAsync(Path.Combine(with, "app.csproj"), cancellationToken);
        await File.WriteAllTextAsync(
            Path.Combine(without, "app.csproj"),
            Regex.Replace(project, "<ItemGroup>.*?</ItemGroup>", "", RegexOptions.Singleline),
            cancellationToken
        );
        await File.WriteAllTextAsync(Path.Combine(without, "Program.cs"), "Console.WriteLine();", cancellationToken);
        string[] folders = [with, without];
        Dictionary<string, List<double>> times = folders.ToDictionary(f => f, _ => new List<double>());
        // The first build of each is the one that has something to do.
        for (int i = -1; i < Repeats; i++)
        {
            foreach (string folder in i % 2 == 0 ? folders : folders.Reverse())
            {
                TimeSpan time = await machine.Dotnet(folder, cancellationToken, "build");
                if (i >= 0)
                {
                    times[folder].Add(time.TotalMilliseconds);
                }
            }
        }
        double own = Median(times[with]);
        double plain = Median(times[without]);
        bool met = own - plain < mostOverhead.TotalMilliseconds;
        page.Line("## A build with nothing to do").Line();
        page.Line($"`dotnet build` of the template's app, and of the same project without Lorq; medians of {Repeats}, by turns.").Line();
        page.Head(">with Lorq", ">without", ">difference", ">bar", "");
        page.Row(
            Milliseconds(own),
            Milliseconds(plain),
            Milliseconds(own - plain),
            Milliseconds(mostOverhead.TotalMilliseconds),
            Verdict(met)
        );
        page.Line();
        return met;
    }

    private async Task<bool> Compressing(CancellationToken cancellationToken)
    {
        string example = machine.At("examples", "Ocr");
        Copy(Path.Combine(Repository.Root, "examples", "Ocr"), example);
        Copy(Path.Combine(Repository.Root, "examples", "models"), machine.At("examples", "models"));
        string plain = machine.At("three", "plain", "app");
        page.Line("## Compressing the PP-OCR recognizer in a build").Line();
        page.Line(
                $"`dotnet build --no-restore -c Release` of `examples/Ocr`, compiler in the packages folder, no results in `bin` and `obj`; the empty project beside it, built in the same way, is what .NET takes for itself. With a full cache the median of {WarmRepeats}, by turns."
            )
            .Line();
        page.Head("cache", ".NET's compiler server", ">time", ">empty project", ">bar", "");
        bool met = await Row("empty", "not running", 1, mostCold);
        await Row("full", "not running", WarmRepeats, null);
        await machine.WithServers(async () => met &= await Row("full", "running", WarmRepeats, mostWarm), cancellationToken);
        page.Line();
        return met;

        async Task<bool> Row(string cache, string servers, int repeats, TimeSpan? most)
        {
            var times = new List<double>();
            var others = new List<double>();
            // What starts servers does not count.
            for (int i = machine.KeepsServers ? -1 : 0; i < repeats; i++)
            {
                double own = await Clean(example, cancellationToken);
                double other = await Clean(plain, cancellationToken);
                if (i >= 0)
                {
                    times.Add(own);
                    others.Add(other);
                }
            }
            double time = Median(times);
            bool isMet = most is null || time <= most.Value.TotalSeconds;
            page.Row(
                cache,
                servers,
                ResultPage.Seconds(time),
                ResultPage.Seconds(Median(others)),
                most is { } bar ? ResultPage.Seconds(bar.TotalSeconds) : "",
                most is null ? "" : Verdict(isMet)
            );
            return isMet;
        }
    }

    /// <summary>Seconds of a build from its sources.</summary>
    private async Task<double> Clean(string project, CancellationToken cancellationToken)
    {
        Array.ForEach([.. Outputs(project)], o => Directory.Delete(o, recursive: true));
        await machine.Dotnet(project, cancellationToken, "restore");
        return (await machine.Dotnet(project, cancellationToken, "build", "--no-restore", "-c", "Release")).TotalSeconds;
    }

    private bool Sizes()
    {
        page.Line("## Sizes").Line();
        page.Head("package", ">download", ">in the packages folder");
        foreach (string package in Directory.GetFiles(machine.Feed, "*.nupkg").Order(StringComparer.Ordinal))
        {
            string id = Regex.Replace(Path.GetFileName(package), @"\.\d+\.\d+\.\d+.*", "");
            string unpacked = Path.Combine(machine.Packages, id.ToLowerInvariant());
            page.Row(
                $"`{id}`",
                ResultPage.Megabytes(new FileInfo(package).Length),
                Directory.Exists(unpacked) ? ResultPage.Megabytes(Files(unpacked, "*").Sum(f => f.Length)) : ""
            );
        }
        long runtime = Download(onnxRuntime);
        long rest = Download(["lorq.runtime", "system.numerics.tensors"]);
        bool met = rest <= MostBytes;
        page.Line().Line("An application that only runs a model downloads").Line();
        page.Head("", ">size", ">bar", "");
        page.Row("ONNX Runtime (all its platforms)", ResultPage.Megabytes(runtime), "", "");
        page.Row("`Lorq.Runtime` and `System.Numerics.Tensors`", ResultPage.Megabytes(rest), ResultPage.Megabytes(MostBytes), Verdict(met));
        return met;
    }

    private long Download(IEnumerable<string> packages) =>
        packages.Sum(id => Files(Path.Combine(machine.Packages, id), "*.nupkg").Sum(f => f.Length));

    private static IEnumerable<FileInfo> Files(string folder, string pattern) =>
        new DirectoryInfo(folder).EnumerateFiles(pattern, SearchOption.AllDirectories);

    private static void Copy(string from, string to)
    {
        foreach (string file in Directory.GetFiles(from))
        {
            File.Copy(file, Path.Combine(to, Path.GetFileName(file)), overwrite: true);
        }
        foreach (string folder in Directory.GetDirectories(from).Except(Outputs(from)))
        {
            Copy(folder, Directory.CreateDirectory(Path.Combine(to, Path.GetFileName(folder))).FullName);
        }
    }

    private static IEnumerable<string> Outputs(string project) =>
        new[] { Path.Combine(project, "bin"), Path.Combine(project, "obj") }.Where(Directory.Exists);

    private static double Median(List<double> values)
    {
        double[] sorted = [.. values.Order()];
        return (sorted[sorted.Length / 2] + sorted[(sorted.Length - 1) / 2]) / 2;
    }

    private static string Milliseconds(double value) => value.ToString("F0", CultureInfo.InvariantCulture) + " ms";

    private static string Verdict(bool met) => met ? "met" : "**missed**";
}
