namespace Lorq.Benchmarks.Judges;

/// <summary>
/// Judges model files on development data in the terms of the task, by running them in ONNX Runtime. Shares nothing with the
/// compiler's own checks, so that a mistake there does not hide here.
/// </summary>
internal interface IJudge
{
    /// <summary>The model's short name, as on the command line.</summary>
    string Name { get; }

    /// <summary>What the loss is.</summary>
    string Metric { get; }

    /// <summary>The original model.</summary>
    string OriginalPath { get; }

    /// <summary>Calibration data for it.</summary>
    string CalibrationPath { get; }

    /// <summary>Judges a model file against the original.</summary>
    /// <param name="path">The file.</param>
    /// <param name="operators">Run it with Lorq's operators; else by stock ONNX Runtime.</param>
    /// <param name="cancellationToken">Stops.</param>
    Judgement Judge(string path, bool operators, CancellationToken cancellationToken);

    /// <summary>What the original must reach by its README: a check of the judge itself.</summary>
    IReadOnlyList<KnownFigure> CheckOriginal(CancellationToken cancellationToken);
}

/// <summary>A verdict on one model file.</summary>
/// <param name="Loss">The loss that bars are set on; lower is better.</param>
/// <param name="Shown">The loss as tables show it.</param>
/// <param name="Remark">A second figure of the task, for the record.</param>
/// <param name="Parts">The loss of every sample (sentence, window, line), on a scale where their mean differs between two files as the loss does.</param>
internal sealed record Judgement(double Loss, string Shown, string Remark, IReadOnlyList<double> Parts)
{
    /// <summary>Standard error of the difference in loss to a verdict on another file: both were judged on the same samples.</summary>
    public double NoiseAgainst(Judgement other)
    {
        double[] differences = [.. Parts.Zip(other.Parts, (a, b) => a - b)];
        double mean = differences.Average();
        return Math.Sqrt(differences.Sum(d => (d - mean) * (d - mean)) / (differences.Length - 1.0) / differences.Length);
    }
}

/// <summary>A figure that is known beforehand.</summary>
/// <param name="What">What it is.</param>
/// <param name="Measured">What was measured.</param>
/// <param name="Expected">What the model's README states.</param>
/// <param name="Tolerance">How far apart the two may be: the README's rounding.</param>
internal sealed record KnownFigure(string What, double Measured, double Expected, double Tolerance)
{
    /// <summary>True when the two agree.</summary>
    public bool Agrees => Math.Abs(Measured - Expected) <= Tolerance;
}
