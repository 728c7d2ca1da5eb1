namespace Lorq.Runtime;

/// <summary>Whether a model is compared with the manifest that the compiler wrote beside it.</summary>
public enum ManifestCheck
{
    /// <summary>Compared where there is a manifest; a model without one loads unchecked.</summary>
    WhenPresent,

    /// <summary>A model without a manifest is refused.</summary>
    Required,

    /// <summary>Not compared. Hashing reads the whole file once, about a second per gigabyte.</summary>
    Off,
}
