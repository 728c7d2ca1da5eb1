using System.Text.Json.Serialization;

namespace Lorq.Caching;

/// <summary>What a profile belongs to, for people: nothing depends on it.</summary>
/// <param name="Model">The model's file name without extension.</param>
/// <param name="Path">The model's path as it was given.</param>
/// <param name="ModelBytes">Its size, external data included.</param>
/// <param name="Data">Where the calibration data came from, as it was given; empty without.</param>
/// <param name="Samples">Calibration samples.</param>
/// <param name="HeldOut">Samples kept aside.</param>
/// <param name="Mask">The input whose zeros mark padding, or null.</param>
public sealed record ProfileFacts(string Model, string Path, long ModelBytes, string Data, long Samples, long HeldOut, string? Mask);

/// <summary>The file <c>profile.json</c>.</summary>
/// <param name="Facts">What the profile belongs to.</param>
/// <param name="Created">When it was made.</param>
/// <param name="LastUsed">When a run last used it.</param>
/// <param name="Lorq">The version that made it.</param>
internal sealed record ProfileRecord(ProfileFacts Facts, DateTimeOffset Created, DateTimeOffset LastUsed, string Lorq)
{
    /// <summary>The file's name.</summary>
    public const string FileName = "profile.json";
}

/// <summary>The JSON forms of this folder, generated at build time.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    WriteIndented = true,
    NewLine = "\n",
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true
)]
[JsonSerializable(typeof(ProfileRecord))]
internal sealed partial class CacheJson : JsonSerializerContext;
