namespace Lorq.Numerics;

/// <summary>A value that is computed when it is first asked for, and again after it was let go. Thread-safe.</summary>
/// <param name="compute">Computes it; the same every time.</param>
internal sealed class Recomputable<T>(Func<T> compute)
{
    private Lazy<T> current = new(compute);

    /// <summary>The value.</summary>
    public T Value => Volatile.Read(ref current).Value;

    /// <summary>Lets the memory go; who holds the value keeps it.</summary>
    public void Release()
    {
        if (Volatile.Read(ref current).IsValueCreated)
        {
            Volatile.Write(ref current, new(compute));
        }
    }
}
