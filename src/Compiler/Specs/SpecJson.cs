namespace Lorq.Specs;

/// <summary>Interim.</summary>
public static class SpecJson
{
    /// <summary>Interim.</summary>
    public static string Write(CompressionSpec spec) => spec.ToString();
}
