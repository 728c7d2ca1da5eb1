namespace Lorq.Benchmarks.Judges;

/// <summary>Judges a compressed model on development data, in the terms of the task, independent of the compiler's own checks.</summary>
internal interface IJudge
{
    /// <summary>What the figure is.</summary>
    string Metric { get; }

    /// <summary>The original model.</summary>
    string Original { get; }

    /// <summary>Calibration data for it.</summary>
    string Calibration { get; }

    /// <summary>The figure for a model file; lower is better.</summary>
    double Judge(string path);
}
