namespace Lorq.Models;

/// <summary>How a model is written.</summary>
/// <param name="ExternalData">
/// <c>Auto</c>: tensors that were external stay external and all go external when the file would pass 2 GB;
/// <c>Inline</c>: everything in one file; <c>External</c>: large tensors in <c>&lt;file&gt;.data</c>.
/// </param>
public sealed record SaveOptions(ExternalDataMode ExternalData = ExternalDataMode.Auto)
{
    /// <summary>Bytes a model file may have: protobuf's limit, smaller in tests.</summary>
    internal long InlineLimit { get; init; } = int.MaxValue;

    /// <summary>Creates the temporary files: path and final size to stream. Tests put failing disks here.</summary>
    internal Func<string, long, Stream> Create { get; init; } = AtomicFile.Open;
}

/// <summary>Where large tensors go on saving.</summary>
public enum ExternalDataMode
{
    /// <summary>As they were, unless the file would pass 2 GB.</summary>
    Auto,

    /// <summary>Everything in the model file.</summary>
    Inline,

    /// <summary>Large tensors in one file beside it.</summary>
    External,
}
