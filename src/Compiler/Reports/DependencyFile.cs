using Lorq.Calibration;
using Lorq.Models;
using Lorq.Specs;

namespace Lorq.Reports;

/// <summary>
/// The files that a run read, for build systems: one full path per line. A folder or a pattern (* and ?) that data was looked for in
/// stands there too: the run depends on which names it has.
/// </summary>
internal static class DependencyFile
{
    /// <summary>What is read whatever is in it: the model, the spec file, and calibration data.</summary>
    /// <param name="model">The model.</param>
    /// <param name="spec">The spec file, if any.</param>
    /// <param name="parsed">What it says.</param>
    public static IEnumerable<string> Inputs(string model, string? spec, CompressionSpec parsed) =>
        [model, .. spec is null ? [] : new[] { spec }, .. CalibrationData.Files(parsed.Calibration.Data)];

    /// <summary>Writes the file.</summary>
    /// <param name="path">Where.</param>
    /// <param name="model">The model; its external data is added.</param>
    /// <param name="spec">The spec file, if any.</param>
    /// <param name="data">Files, folders and patterns of calibration data.</param>
    /// <param name="cancellationToken">Stops.</param>
    public static void Write(string path, string model, string? spec, IReadOnlyList<string> data, CancellationToken cancellationToken)
    {
        using OnnxModel loaded = OnnxModel.Load(model, cancellationToken);
        string folder = Path.GetDirectoryName(Path.GetFullPath(model))!;
        IEnumerable<string> files =
        [
            model,
            .. loaded.ExternalFiles.Select(f => Path.Combine(folder, f)),
            .. spec is null ? [] : new[] { spec },
            .. data,
            .. CalibrationData.Files(data),
        ];
        AtomicFile.WriteText(path, string.Concat(files.Select(Path.GetFullPath).Distinct(StringComparer.Ordinal).Select(f => f + "\n")));
    }
}
