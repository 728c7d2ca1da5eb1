using System.Globalization;

namespace Lorq.Benchmarks;

/// <summary>One compressed file, as judged.</summary>
internal sealed record Compressed(long Bytes, double Figure, double Seconds, long PeakBytes, string Path)
{
    /// <summary>Compresses a model in a temporary folder; null when the tool refuses, with its words on the console.</summary>
    public static Compressed? Make(Judges.IJudge judge, string budget, string target, params string[] more)
    {
        string folder = Directory.CreateTempSubdirectory("lorq-bench-").FullName;
        LorqProcess run = LorqProcess.Run([
            "compress",
            judge.Original,
            "--budget",
            budget,
            "--calibration",
            judge.Calibration,
            "--target",
            target,
            "-o",
            folder,
            "--quiet",
            .. more,
        ]);
        if (run.ExitCode != 0)
        {
            Console.Error.WriteLine(run.Output.Trim());
            return null;
        }
        string path = Directory.GetFiles(folder, "*.lorq.onnx").Single();
        return new Compressed(new FileInfo(path).Length, judge.Judge(path), run.Elapsed.TotalSeconds, run.PeakBytes, path);
    }

    /// <summary>Removes the files.</summary>
    public void Delete() => Directory.Delete(System.IO.Path.GetDirectoryName(Path)!, true);

    /// <summary>Bytes with thin groups.</summary>
    public static string Number(long value) => value.ToString("#,0", CultureInfo.InvariantCulture).Replace(',', ' ');

    /// <summary>The figure in the judge's usual digits.</summary>
    public static string Digits(double value) => value.ToString("F5", CultureInfo.InvariantCulture);
}
