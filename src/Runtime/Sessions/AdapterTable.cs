using Microsoft.ML.OnnxRuntime;

namespace Lorq.Runtime.Sessions;

/// <summary>The adapters of a session by name. One that is removed lives on until the calls that use it have ended.</summary>
internal sealed class AdapterTable : IDisposable
{
    private readonly Lock guard = new();
    private readonly Dictionary<string, OrtLoraAdapter> adapters = new(StringComparer.Ordinal);

    public IReadOnlyList<string> Names
    {
        get
        {
            lock (guard)
            {
                return [.. adapters.Keys.Order(StringComparer.Ordinal)];
            }
        }
    }

    /// <summary>Adds an adapter, or puts it in the place of the one with that name.</summary>
    public void Set(string name, OrtLoraAdapter adapter)
    {
        OrtLoraAdapter? old;
        lock (guard)
        {
            adapters.Remove(name, out old);
            adapters.Add(name, adapter);
        }
        old?.Dispose();
    }

    public bool Remove(string name)
    {
        OrtLoraAdapter? old;
        lock (guard)
        {
            adapters.Remove(name, out old);
        }
        old?.Dispose();
        return old is not null;
    }

    /// <summary>Activates adapters for a call.</summary>
    /// <param name="names">Their names.</param>
    /// <param name="options">The call's options.</param>
    /// <param name="held">What <see cref="Release"/> gives back after the call.</param>
    public void Activate(IReadOnlyList<string> names, RunOptions options, List<OrtLoraAdapter> held)
    {
        lock (guard)
        {
            foreach (string name in names)
            {
                if (!adapters.TryGetValue(name, out OrtLoraAdapter? adapter))
                {
                    string loaded =
                        adapters.Count == 0 ? "none" : string.Join(", ", adapters.Keys.Order(StringComparer.Ordinal).Select(n => $"'{n}'"));
                    throw new ArgumentException($"No adapter '{name}' is loaded. Loaded: {loaded}.");
                }
                bool added = false;
                adapter.DangerousAddRef(ref added); // disposed handles are freed when the last reference goes
                held.Add(adapter);
                options.AddActiveLoraAdapter(adapter);
            }
        }
    }

    public static void Release(List<OrtLoraAdapter> held)
    {
        foreach (OrtLoraAdapter adapter in held)
        {
            adapter.DangerousRelease();
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (guard)
        {
            foreach (OrtLoraAdapter adapter in adapters.Values)
            {
                adapter.Dispose();
            }
            adapters.Clear();
        }
    }
}
