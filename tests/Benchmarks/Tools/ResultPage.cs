using System.Globalization;
using System.Reflection;
using System.Runtime.InteropServices;
using System.Text;
using Microsoft.ML.OnnxRuntime;

namespace Lorq.Benchmarks.Tools;

/// <summary>A page of <c>docs/results</c>: what was measured, how to measure it again, on which machine; printed line by line as it grows.</summary>
internal sealed class ResultPage
{
    private readonly StringBuilder text = new();

    /// <summary>Begins a page.</summary>
    /// <param name="title">Its heading.</param>
    /// <param name="command">What follows <c>--</c> on the command line.</param>
    /// <param name="introduction">What is measured, as Markdown.</param>
    public ResultPage(string title, string command, string introduction)
    {
        Line($"# {title}").Line().Line(introduction).Line();
        Line($"Measured on {DateTime.UtcNow.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture)} by").Line();
        Line("```").Line($"dotnet run -c Release --project tests/Benchmarks -- {command}").Line("```").Line();
        Line($"on {Machine()}.").Line();
    }

    /// <summary>Adds a line.</summary>
    public ResultPage Line(string line = "")
    {
        Console.WriteLine(line);
        text.Append(line).Append('\n');
        return this;
    }

    /// <summary>Adds a row of a table.</summary>
    public ResultPage Row(params IEnumerable<string> cells) => Line($"| {string.Join(" | ", cells)} |");

    /// <summary>Adds the head of a table; headings that begin with <c>&gt;</c> are of right-aligned columns.</summary>
    public ResultPage Head(params string[] headings) =>
        Row(headings.Select(h => h.TrimStart('>'))).Line($"|{string.Concat(headings.Select(h => h.StartsWith('>') ? "---:|" : "---|"))}");

    /// <summary>Writes the page into <c>docs/results</c>, unless only some of the models were measured.</summary>
    public void Write(string name, bool isComplete)
    {
        if (!isComplete)
        {
            Console.WriteLine($"docs/results/{name} is written when all models are measured.");
            return;
        }
        string folder = Path.Combine(Repository.Root, "docs", "results");
        Directory.CreateDirectory(folder);
        File.WriteAllText(Path.Combine(folder, name), text.ToString());
        Console.WriteLine($"Written to docs/results/{name}.");
    }

    /// <summary>Bytes in groups of three digits.</summary>
    public static string Bytes(long value) => value.ToString("#,0", CultureInfo.InvariantCulture).Replace(',', ' ');

    /// <summary>Bytes as MB.</summary>
    public static string Megabytes(long value) => (value / 1e6).ToString("F2", CultureInfo.InvariantCulture) + " MB";

    /// <summary>Seconds.</summary>
    public static string Seconds(double value) => value.ToString(value < 10 ? "F1" : "F0", CultureInfo.InvariantCulture) + " s";

    private static string Machine()
    {
        string? processor = File.Exists("/proc/cpuinfo")
            ? File.ReadLines("/proc/cpuinfo")
                .FirstOrDefault(l => l.StartsWith("model name", StringComparison.Ordinal))
                ?.Split(':', 2)[1]
                .Trim()
            : null;
        Version runtime = typeof(InferenceSession).Assembly.GetName().Version!;
        string onnxRuntime =
            typeof(InferenceSession)
                .Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()
                ?.InformationalVersion.Split('+')[0]
            ?? runtime.ToString();
        return $"{Environment.ProcessorCount} cores ({processor ?? RuntimeInformation.ProcessArchitecture.ToString()}), "
            + $"{RuntimeInformation.OSDescription.Trim()}, {RuntimeInformation.FrameworkDescription}, ONNX Runtime {onnxRuntime}";
    }
}
