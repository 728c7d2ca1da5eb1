namespace Lorq.Runtime.Interop;

/// <summary>A dimension as type inference knows it.</summary>
/// <param name="Length">Its length; negative when it is not known.</param>
/// <param name="Name">Address of the name (UTF-8, ends with 0) that stands for an unknown length; 0 or empty when there is none.</param>
internal readonly record struct InferredDimension(long Length, nint Name)
{
    /// <summary>True when nothing is known of it.</summary>
    public unsafe bool IsUnknown => Length < 0 && (Name == 0 || *(byte*)Name == 0);

    /// <summary>A dimension of known length.</summary>
    public static implicit operator InferredDimension(long length) => new(length, 0);
}
